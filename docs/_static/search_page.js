/** Loads the search when something is asked; it is large, and of no use before. */
(() => {
  const query = new URLSearchParams(location.search).get('q')?.trim();
  if (!query) return;
  document.getElementById('search-query').value = query;
  for (const src of document.currentScript.dataset.scripts.trim().split(' ')) {
    document.head.append(Object.assign(document.createElement('script'), { src, async: false }));
  }
})();
