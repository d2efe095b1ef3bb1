// Keeps the page's own files, so that it opens on a slow or lost line; then it says that nothing is known. Never anything of the api: an old "well" would be a lie.
const KEPT = "phone-1";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== self.location.origin) return;
  if (pathname === "/phone") event.respondWith(newest(event.request));
  else if (pathname.startsWith("/assets/")) event.respondWith(keptFirst(event.request));
});

// A P1 that the site sealed for this browser. It says that there is something, and opens the page, which says how it is now.
self.addEventListener("push", (event) => {
  let said = {};
  try {
    said = event.data?.json() ?? {};
  } catch {
    // What cannot be read is told all the same: somebody meant to be heard.
  }
  event.waitUntil(
    self.registration.showNotification(said.title || "守望 Shouwang", { body: said.body || "", icon: "/favicon.svg", lang: "zh-CN", requireInteraction: true, renotify: true, tag: said.title || "p1" }),
  );
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open());
});

async function open() {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find((each) => new URL(each.url).pathname === "/phone");
  await (page ? page.focus() : self.clients.openWindow("/phone"));
}

async function newest(request) {
  const kept = await caches.open(KEPT);
  try {
    const answer = await fetch(request);
    if (answer.ok) await kept.put(request, answer.clone());
    return answer;
  } catch (error) {
    const old = await kept.match(request);
    if (old) return old;
    throw error;
  }
}

async function keptFirst(request) {
  const kept = await caches.open(KEPT);
  const found = await kept.match(request);
  if (found) return found;
  const answer = await fetch(request);
  if (answer.ok) await kept.put(request, answer.clone());
  return answer;
}
