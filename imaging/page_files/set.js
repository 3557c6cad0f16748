{
  const angles = [...document.querySelectorAll(".angle")];
  const links = [...document.querySelectorAll(".strip a")];
  const hero = document.querySelector(".hero img");
  const caption = document.querySelector(".hero figcaption");
  let current = Math.max(0, links.findIndex((link) => link.hash && link.hash === location.hash));
  if (!location.hash) current = Math.max(0, links.findIndex((link) => link.hasAttribute("aria-current")));

  const choose = (index, scrolls) => {
    if (!links.length) return;
    current = (index + links.length) % links.length;
    links.forEach((link, at) => (at === current ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current")));
    const picture = links[current].dataset.picture;
    if (hero && picture) {
      hero.src = picture;
      hero.alt = caption.textContent = links[current].dataset.caption;
    }
    const strip = links[current].closest(".strip");
    const left = links[current].parentElement.offsetLeft - strip.offsetLeft;
    if (left < strip.scrollLeft || left + 110 > strip.scrollLeft + strip.clientWidth) strip.scrollLeft = left - 8;
    try { history.replaceState(null, "", links[current].hash); } catch { /* Not where the page is embedded. */ }
    if (scrolls) {
      angles[current].scrollIntoView({ block: "start" });
      angles[current].focus({ preventScroll: true });
    }
  };
  links.forEach((link, index) => link.addEventListener("click", (event) => {
    event.preventDefault();
    choose(index, false);
  }));
  angles.forEach((angle, index) => angle.addEventListener("focusin", () => {
    if (index !== current) choose(index, false);
  }));

  const toggle = (angle) => {
    const button = angle?.querySelector(".toggle");
    if (!button) return;
    const overlay = angle.querySelector(".overlay");
    if (!overlay.src) overlay.src = overlay.dataset.src;
    overlay.hidden = !overlay.hidden;
    button.setAttribute("aria-pressed", String(!overlay.hidden));
  };
  for (const angle of angles) {
    const slider = angle.querySelector(".compare input");
    slider?.addEventListener("input", () => angle.querySelector(".compare").style.setProperty("--at", slider.value + "%"));
    angle.querySelector(".toggle")?.addEventListener("click", () => toggle(angle));
  }

  const bar = document.querySelector(".review-bar");
  if (bar) {
    angles.forEach((angle, index) => angle.addEventListener("decided", (event) => {
      if (event.detail) links[index].dataset.decided = event.detail;
      else delete links[index].dataset.decided;
    }));
    const review = startReview(angles, bar);
    const decide = (word) => () => review.decide(angles[current], word, word !== "accept");
    onKey({
      ArrowRight: () => choose(current + 1, false),
      ArrowLeft: () => choose(current - 1, false), j: () => choose(current + 1, true), k: () => choose(current - 1, true),
      a: decide("accept"), r: decide("reject"), t: decide("retry"), u: () => review.undo(angles[current]), o: () => toggle(angles[current]), e: review.exportAll,
    });
  }
  if (links.length && location.hash) choose(current, false);

  const wait = Number(document.body.dataset.reload ?? 0);
  if (wait) {
    const reload = () => {
      if (document.activeElement?.matches("input[type=text], input[type=range]:active")) setTimeout(reload, 1000);
      else location.reload();
    };
    setTimeout(reload, 1000 * wait);
  }
}
