// SPDX-License-Identifier: GPL-3.0-or-later
// fal.ai's own client against the emulator named by the first argument; prints what it saw as one JSON object.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";

import { ApiError, createFalClient, ValidationError } from "@fal-ai/client";

const emulator = process.argv[2];
const PLACES = {
  "https://queue.fal.run": "/queue",
  "https://fal.run": "/run",
  "https://rest.fal.ai": "/rest",
};
const PHOTO = "fal-ai/flux-kontext/dev";
const MODEL = "fal-ai/meshy/v6/text-to-3d";
const MEGABYTE = 1 << 20;
const HOUR = 3600; // Of the emulator's clock, which we move.

// The client has no setting for its hosts; everything else of it is as published.
function towardsEmulator(url, options) {
  const { origin, pathname, search } = new URL(url);
  if (origin === emulator) {
    return fetch(url, options);
  }
  assert.ok(origin in PLACES, `the client asks ${origin}, which the emulator is not`);
  return fetch(`${emulator}${PLACES[origin]}${pathname}${search}`, options);
}

const fal = createFalClient({ credentials: "emulator:emulator", fetch: towardsEmulator });

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

async function download(url) {
  const answer = await fetch(url);
  assert.equal(answer.status, 200);
  return Buffer.from(await answer.arrayBuffer());
}

async function uploaded(bytes, type) {
  const url = await fal.storage.upload(new Blob([bytes], { type }), { lifecycle: { expiresIn: "1d" } });
  assert.equal(sha256(await download(url)), sha256(bytes));
  return url;
}

async function control(message) {
  const answer = await fetch(`${emulator}/control`, { method: "POST", body: JSON.stringify(message) });
  assert.equal(answer.status, 200);
}

async function follow(mode) {
  const states = [];
  await control({ delays: { queue: HOUR, model: HOUR } });
  const result = await fal.subscribe(MODEL, {
    input: { prompt: "a brass lamp" },
    mode,
    logs: true,
    pollInterval: 50,
    onQueueUpdate: ({ status }) => {
      if (!states.includes(status)) {
        states.push(status); // The clock moves only when a state has been seen.
        void control({ advance: HOUR });
      }
    },
  });
  const file = await download(result.data.model_glb.url);
  assert.equal(file.subarray(0, 4).toString(), "glTF");
  assert.equal(file.readUInt32LE(8), file.length);
  assert.equal(states.at(-1), "COMPLETED");
  return { request_id: result.requestId, states };
}

async function refusal(call) {
  try {
    await call();
  } catch (error) {
    assert.ok(error instanceof ApiError, String(error));
    return { status: error.status, fields: error instanceof ValidationError ? error.fieldErrors.map((entry) => entry.loc) : [] };
  }
  return assert.fail("nothing was refused");
}

const picture = await fetch("data:image/png;base64," + process.argv[3]).then((answer) => answer.arrayBuffer());
const image_url = await uploaded(new Uint8Array(picture), "image/png");
const large = await uploaded(new Uint8Array(91 * MEGABYTE).fill(7), "application/octet-stream");

const submitted = await fal.queue.submit(PHOTO, { input: { image_url, prompt: "studio photograph" } });
await fal.queue.subscribeToStatus(PHOTO, { requestId: submitted.request_id, mode: "polling", pollInterval: 50 });
const photo = await fal.queue.result(PHOTO, { requestId: submitted.request_id });
assert.ok((await download(photo.data.images[0].url)).length > 100);

await control({ delays: { queue: HOUR } });
const slow = await fal.queue.submit("fal-ai/flux/schnell", { input: { prompt: "to be cancelled" } });
await fal.queue.cancel("fal-ai/flux/schnell", { requestId: slow.request_id });

await control({ delays: { queue: 0 } });
const direct = await fal.run("fal-ai/flux/schnell", { input: { prompt: "without a queue" } });

const polling = await follow("polling");
const streaming = await follow("streaming");
await control({ delays: { queue: 0 } });

console.log(
  JSON.stringify({
    polling,
    streaming,
    photo: submitted.request_id,
    cancelled: slow.request_id,
    direct: direct.data.images.length,
    large: large.startsWith(emulator),
    wrong_input: await refusal(() => fal.subscribe(PHOTO, { input: { prompt: "no picture" }, pollInterval: 50 })),
    wrong_endpoint: await refusal(() => fal.queue.submit("fal-ai/not-there", { input: {} })),
  }),
);
