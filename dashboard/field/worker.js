// Keeps the page of the crew, so that it opens out of reach. What it shows and sends is none of this worker's business.
const KEPT = "fudian-crew-1";
const FILES = ["/crew/app.js", "/crew/style.css"];
const isOwn = (url) => url.origin === location.origin && (url.pathname === "/crew" || FILES.includes(url.pathname));

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(KEPT).then((kept) => kept.addAll(FILES)).then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => {
  const old = caches.keys().then((names) => Promise.all(names.filter((name) => name !== KEPT).map((name) => caches.delete(name))));
  event.waitUntil(old.then(() => self.clients.claim()));
});
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || !isOwn(url)) {
    return;
  }
  event.respondWith(
    (async () => {
      const kept = await caches.open(KEPT);
      try {
        const answer = await fetch(event.request);
        if (answer.ok && answer.type === "basic" && !answer.redirected) {
          await kept.put(event.request, answer.clone());
        }
        return answer;
      } catch (failure) {
        const found = (await kept.match(event.request)) || (await kept.match(event.request, { ignoreSearch: true }));
        if (found) {
          return found;
        }
        throw failure;
      }
    })()
  );
});
