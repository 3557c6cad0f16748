{
  const list = document.querySelector(".products");
  const items = [...list.children];
  const form = document.querySelector(".filters");
  const template = document.getElementById("decide").content.firstElementChild;
  let shown = items;

  // Buttons are added to a product when it comes near the window: 10,000 products have none at first.
  const prepare = (item) => {
    if (!item.dataset.photo || item.querySelector(".decide")) return;
    item.querySelector(".about").append(template.cloneNode(true));
    review.draw(item);
  };
  list.addEventListener("decided", (event) => {
    if (event.detail) event.target.dataset.decided = event.detail;
    else delete event.target.dataset.decided;
  });
  const review = startReview(items, document.querySelector(".review-bar"));
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      near.unobserve(entry.target);
      prepare(entry.target);
    }
  }, { rootMargin: "400px" });
  for (const item of items) near.observe(item);

  const order = new Map(items.map((item, index) => [item, index]));
  const text = new Intl.Collator(undefined, { numeric: true });
  const sorts = {
    attention: (one, other) => order.get(one) - order.get(other),
    row: (one, other) => one.dataset.row - other.dataset.row,
    sku: (one, other) => text.compare(one.dataset.sku, other.dataset.sku) || one.dataset.row - other.dataset.row,
    cost: (one, other) => other.dataset.cost - one.dataset.cost || one.dataset.row - other.dataset.row,
  };
  let sorted = "attention";
  const matches = (item, wanted) => {
    const is = (name, value) => !wanted[name] || wanted[name] === "=" + value;
    return (
      (!wanted.sku || item.dataset.sku.toLowerCase().includes(wanted.sku.toLowerCase())) &&
      is("state", item.dataset.state) && is("severity", item.dataset.severity) && is("decision", item.dataset.decided ?? "") &&
      is("variants", item.dataset.variants) &&
      (!wanted.verdict || item.dataset.verdicts.split(" ").includes(wanted.verdict.slice(1)))
    );
  };
  const apply = () => {
    const wanted = Object.fromEntries(new FormData(form));
    if (wanted.sort !== sorted) {
      sorted = wanted.sort;
      items.sort(sorts[sorted]);
      list.append(...items);
    }
    shown = items.filter((item) => {
      const fits = matches(item, wanted);
      item.hidden = !fits;
      return fits;
    });
    form.querySelector(".count").textContent = `${shown.length.toLocaleString("en")} of ${items.length.toLocaleString("en")} products`;
    document.querySelector(".nothing").hidden = shown.length > 0;
  };
  let waiting = 0;
  form.addEventListener("input", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(apply);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  apply();

  const focused = () => document.activeElement?.closest?.(".products > li");
  const go = (step) => () => {
    const at = shown.indexOf(focused());
    const next = shown[at < 0 ? 0 : Math.min(shown.length - 1, Math.max(0, at + step))];
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: "nearest" });
  };
  const decide = (word) => () => {
    const item = focused();
    if (!item) return;
    prepare(item);
    review.decide(item, word, word !== "accept");
  };
  onKey({
    j: go(1), k: go(-1), ArrowDown: go(1), ArrowUp: go(-1), a: decide("accept"), r: decide("reject"), t: decide("retry"),
    u: () => review.undo(focused()), e: review.exportAll, "/": () => form.elements.sku.focus(),
    Enter: () => focused()?.querySelector("b a")?.click(),
  });
}
