// Shows the offline page when a page cannot be reached. Keeps that page and its style only, never anything about a customer.
"use strict";

const KEPT = ["/customer/offline", "{portal.css}", "{icon.svg}"];
const CACHE = "offline " + KEPT.join(" ");

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(KEPT)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = (names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
  event.waitUntil(caches.keys().then(old).then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { pathname } = new URL(request.url);
  const kept = request.mode === "navigate" ? KEPT[0] : KEPT.slice(1).find((path) => path === pathname);
  if (request.method === "GET" && kept) {
    event.respondWith(fetch(request).catch(() => caches.match(kept)));
  }
});
