// Speaks to the server: what it lists, and a turn as it is streamed. It draws nothing.

import { store } from "./store.js";

/** What went wrong, in one line; `status` is 0 where no answer came. */
export class Fault extends Error {
  constructor(message, { status = 0, retryAfter = null } = {}) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** Return the headers of a request; a key with letters that no header takes is sent without them, to be refused as one. */
const headers = (more) => ({ ...(store.key ? { authorization: `Bearer ${store.key.replace(/[^\x20-\x7e]/g, "?")}` } : {}), ...more });

async function asked(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Fault("The server cannot be reached.");
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => null);
  const retryAfter = Number(response.headers.get("retry-after")) || null;
  throw new Fault(told?.error?.message ?? `The server answered ${response.status}.`, { status: response.status, retryAfter });
}

/** Return what a GET gives. */
export async function read(path) {
  return (await asked(path, { headers: headers() })).json();
}

/**
 * Take a turn.
 * `tell` gets {who} when it is known who serves, {text} for each piece; what is returned is the `moma` of the last chunk.
 */
export async function takeTurn({ body, session, retry, signal, tell }) {
  const response = await asked("/v1/chat/completions", {
    method: "POST",
    signal,
    headers: headers({
      "content-type": "application/json",
      "x-session-id": session,
      "idempotency-key": retry,
      "x-moma-debug": "true",
    }),
    body: JSON.stringify({ ...body, stream: true }),
  });
  const who = response.headers.get("x-moma-agent") ?? response.headers.get("x-moma-model");
  tell({ who: who && decodeURIComponent(who) });
  let moma = null;
  for await (const data of events(response.body)) {
    if (data === "[DONE]") return moma ?? {};
    const chunk = JSON.parse(data);
    if (chunk.error) throw new Fault(chunk.error.message, { status: 502 });
    const text = chunk.choices?.[0]?.delta?.content;
    if (text) tell({ who: chunk.model?.replace(/^agent:/, ""), text });
    moma = chunk.moma ?? moma;
  }
  throw new Fault("The connection broke off before the answer was whole.");
}

/** Yield the data of server-sent events; comments, which keep the connection open, have none. */
async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read().catch((error) => {
      if (error.name === "AbortError") throw error;
      throw new Fault("The connection broke off before the answer was whole.");
    });
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) if (part.startsWith("data: ")) yield part.slice(6);
  }
}
