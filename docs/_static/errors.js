/** The box on the page of errors: shows the entries that are most like the text in it, best first.
 *
 * Texts are compared by their words. What differs for each reader counts for nothing: numbers, paths,
 * addresses. A word counts the more, the fewer entries have it; words that follow one another as in the
 * message count more than the same ones apart.
 */
(() => {
  const SHOWN = 12; // entries at most
  const form = document.querySelector('form.error-filter');
  const found = document.getElementById('error-found');
  const article = form?.closest('article');
  if (!article || !found) return;
  const box = form.querySelector('textarea');
  const status = form.querySelector('[role=status]');

  /** Return the words of a text, in their order. */
  function words(text) {
    return text
      .replace(/\w+:\/\/\S+/g, ' ') // addresses
      .replace(/(?:[A-Za-z]:)?[\w.~-]*(?:[/\\][\w.@~-]+)+/g, ' ') // paths
      .replace(/([a-z])([A-Z])/g, '$1 $2')
      .toLowerCase()
      .match(/[a-z]+|[\u3400-\u9fff]/g) ?? [];
  }

  // Read when something is asked for the first time: the page is long.
  const entries = [];
  const frequency = new Map();

  function read() {
    entries.push(...[...article.querySelectorAll('dt[id]')].map(entryOf));
    for (const { all } of entries) {
      for (const word of all) frequency.set(word, (frequency.get(word) ?? 0) + 1);
    }
  }

  function entryOf(term) {
    const definition = term.nextElementSibling;
    const place = document.createComment('');
    term.before(place);
    const quoted = [...term.querySelectorAll('code'), ...definition.querySelectorAll(':scope > p code')];
    // a message in parts: an ellipsis stands for any text
    const messages = quoted.map((code) => code.textContent.split('…').map(words).filter((part) => part.length))
      .filter((parts) => parts.length);
    return { term, definition, place, messages, all: new Set(words(term.textContent + definition.textContent)) };
  }

  const weight = (word) => Math.log(1 + entries.length / (frequency.get(word) ?? entries.length));
  const total = (list) => list.reduce((sum, word) => sum + weight(word), 0);

  /** Return the weight of the longest run of words that a message has in common with a text. */
  function longestRun(message, text) {
    let best = 0;
    let last = [];
    for (const word of message) {
      const runs = [];
      text.forEach((other, i) => {
        if (word !== other) return;
        runs[i] = (last[i - 1] ?? 0) + weight(word);
        best = Math.max(best, runs[i]);
      });
      last = runs;
    }
    return best;
  }

  /** Return how much a message is like a text; the last word may still be being typed. */
  function likeness(parts, text, known, typed) {
    const message = parts.flat();
    const common = message.filter((word) => known.has(word) || (typed && word.startsWith(typed)));
    const run = parts.reduce((sum, part) => sum + longestRun(part, text), 0);
    const share = total(common) / total(message);
    const asked = total([...known].filter((word) => message.includes(word))) / total([...known]);
    const whole = run > 0.99 * total(message) ? 1.6 : 1; // from its first word to its last
    return (total([...new Set(common)]) + 2 * run) * Math.max(share, asked) * whole;
  }

  function score(entry, text, known, typed) {
    const told = entry.messages.map((message) => likeness(message, text, known, typed));
    const rest = total([...known].filter((word) => entry.all.has(word)));
    const everything = text.every((word) => entry.all.has(word)) || (typed && text.length < 2);
    return Math.max(0, ...told) + (everything ? 0.5 * rest : 0.05 * rest);
  }

  function restore() {
    for (const { term, definition, place } of entries) place.after(term, definition);
  }

  function filter() {
    const text = words(box.value).slice(-400); // of a traceback the end tells
    if (!entries.length) read();
    restore();
    article.classList.toggle('error-filtering', text.length > 0);
    found.hidden = text.length === 0;
    status.textContent = '';
    if (!text.length) return;
    const known = new Set(text);
    const typed = /[a-z]$/i.test(box.value) && text.length < 12 ? text.at(-1) : '';
    const scored = entries.map((entry) => ({ entry, points: score(entry, text, known, typed) }))
      .sort((one, other) => other.points - one.points);
    const least = Math.max(scored[0].points / 4, 2);
    const best = scored.filter(({ points }) => points >= least).slice(0, SHOWN);
    found.replaceChildren(...best.flatMap(({ entry }) => [entry.term, entry.definition]));
    const { some, none } = status.dataset;
    status.textContent = best.length ? some.replace('{count}', best.length) : none;
  }

  form.addEventListener('submit', (event) => event.preventDefault());
  box.addEventListener('input', filter);
  box.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    box.value = '';
    filter();
  });
  window.addEventListener('hashchange', () => { // a link within the page leads to what must be shown
    if (!box.value || found.contains(document.getElementById(decodeURIComponent(location.hash.slice(1))))) return;
    box.value = '';
    filter();
    document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
  });
  if (box.value) filter(); // kept by the browser
})();
