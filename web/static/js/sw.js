// Keeps the page Report at hand without a connection. It stores the files of /static/ and one copy of /report, and never
// another page: what stands on those is about people. Registered as /sw.js with scope "/".
//
//   message {keep: [addresses]}   store these files of /static/, and /report, now (sent by offline.js)
//   message {forget: true}        drop the copy of /report: somebody signed out

const FILES = "tallystick-files-1";
const PAGE = "tallystick-report-1";
const REPORT = "/report";
const FILES_MAX = 60;

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("activate", (event) => {
  event.waitUntil(dropOthers().then(() => self.clients.claim()));
});

self.addEventListener("message", (event) => {
  const told = event.data || {};
  if (told.forget) event.waitUntil(caches.delete(PAGE));
  if (told.keep) event.waitUntil(keepAll(told.keep.map((one) => new URL(one, self.location.origin))));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (isFile(url)) event.respondWith(url.searchParams.has("v") ? fileOnce(request) : networkFirst(request, FILES));
  else if (request.mode === "navigate" && url.pathname === REPORT) event.respondWith(networkFirst(request, PAGE));
});

function isFile(url) {
  return url.pathname.startsWith("/static/");
}

function isGood(reply) {
  return reply.status === 200 && reply.type === "basic" && !reply.redirected;
}

/** A file whose address carries its digest never changes. */
async function fileOnce(request) {
  const kept = await caches.match(request, { cacheName: FILES, ignoreVary: true });
  if (kept) return kept;
  const reply = await fetch(request);
  if (isGood(reply)) await put(FILES, request, reply.clone());
  return reply;
}

/** The network's answer, and without a network the last good one. The page is kept under its path alone. */
async function networkFirst(request, name) {
  const key = name === PAGE ? REPORT : request;
  try {
    const reply = await fetch(request);
    if (isGood(reply)) {
      // a page that also tells what was just sent is for now only
      if (name !== PAGE || !new URL(request.url).search) await put(name, key, reply.clone());
    } else if (name === PAGE && (reply.redirected || reply.status === 401 || reply.type === "opaqueredirect")) {
      await caches.delete(PAGE); // signed out: the copy was somebody's
    }
    return reply;
  } catch (error) {
    const kept = await caches.match(key, { cacheName: name, ignoreVary: true });
    if (kept) return kept;
    throw error;
  }
}

async function keepAll(urls) {
  const files = urls.filter((url) => url.origin === self.location.origin && isFile(url)).slice(0, FILES_MAX);
  await dropFilesBut(files);
  await Promise.all(files.map((url) => fileOnce(new Request(url))));
  const page = await fetch(REPORT, { credentials: "same-origin" });
  if (isGood(page)) await put(PAGE, REPORT, page);
}

async function put(name, key, reply) {
  const cache = await caches.open(name);
  await cache.put(key, reply);
}

/** Files of an older release go when the page names those of the new one. */
async function dropFilesBut(files) {
  const wanted = new Set(files.map((url) => url.href));
  const cache = await caches.open(FILES);
  const kept = await cache.keys();
  await Promise.all(kept.filter((one) => !wanted.has(one.url)).map((one) => cache.delete(one)));
}

async function dropOthers() {
  const names = await caches.keys();
  const ours = names.filter((name) => name.startsWith("tallystick-") && name !== FILES && name !== PAGE);
  await Promise.all(ours.map((name) => caches.delete(name)));
}
