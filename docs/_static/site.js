/** The few handlers of every page, which has no script of its own in it: its policy forbids that. */
let loader; // of the demo, once its button was pressed
let kept = false; // whether the demo is there without a network

// Search engines want whole addresses here, and a build need not know its own.
for (const link of document.querySelectorAll('link[rel=alternate]')) link.href = link.href;

document.addEventListener('click', ({ target }) => {
  const language = target.closest('.languages a');
  if (language) { // the same place in the other language
    language.hash = location.hash;
    language.search = location.search;
  }
  const button = target.closest('.digit-open');
  if (button && !button.dataset.opened) openDemo(button);
});

/** Fetch the demo's loader, which then handles the button, and press it again. */
async function openDemo(button) {
  const failed = button.parentNode.querySelector('.digit-failed');
  button.dataset.opened = 'yes';
  loader = new URL(button.dataset.loader, document.baseURI);
  try {
    await import(loader);
    button.click();
  } catch (error) {
    console.warn(error);
    delete button.dataset.opened;
    failed.hidden = false;
  }
}

/** With an answer everything is there: keep it for a visit without a network. */
document.addEventListener('digit-prediction', async () => {
  if (kept || !navigator.onLine || !navigator.serviceWorker) return; // none over plain HTTP
  kept = true;
  const used = performance.getEntriesByType('resource').map(({ name }) => name);
  const own = [location.href, ...used].filter((url) => new URL(url).origin === location.origin);
  const cache = await caches.open('demo');
  await cache.addAll([...new Set(own)]);
  await navigator.serviceWorker.register(new URL('../../sw.js', loader));
});
