/** A service worker: answers from the cache where the network does not. The page fills the cache. */
self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('fetch', (event) => {
  const { method, url } = event.request;
  if (method !== 'GET' || new URL(url).origin !== location.origin) return;
  const kept = () => caches.match(event.request).then((found) => found ?? Response.error());
  event.respondWith(fetch(event.request).catch(kept));
});
