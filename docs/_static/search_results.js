/** What the page of results shows. */
(() => {
  const SECTIONS = 3; // of a page
  const LENGTH = 160; // of an excerpt

  /** Return text with what was found in it marked. */
  function marked(text, pattern) {
    const parts = document.createDocumentFragment();
    for (const [i, part] of (pattern ? text.split(pattern) : [text]).entries()) {
      if (i % 2) parts.append(Object.assign(document.createElement('mark'), { textContent: part }));
      else parts.append(part);
    }
    return parts;
  }

  /** Return a pattern for the words that a section was found by. */
  function patternOf(terms) {
    const escaped = terms.filter((term) => term.length > 1 || term.charCodeAt(0) >= 0x3400).map((term) => term.replace(/[^\w\u3400-\u9fff]/g, '\\$&'));
    if (!escaped.length) return null;
    const forms = escaped.map((term) => (term.charCodeAt(0) < 0x3400 ? `\\b${term}[A-Za-z]*` : term));
    return new RegExp(`(${forms.join('|')})`, 'i');
  }

  /** Return the part of a text where the first word was found. */
  function excerpt(text, pattern) {
    const at = Math.max(0, (pattern ? text.search(pattern) : 0) - 30);
    const start = at && (text.slice(0, at).search(/[^\s，。；：]*$/) || at);
    const from = at - start > 25 ? at : start;
    return (from ? '…' : '') + text.slice(from, from + LENGTH) + (from + LENGTH < text.length ? '…' : '');
  }

  const element = (name, ...content) => {
    const made = document.createElement(name);
    made.append(...content);
    return made;
  };

  function link(section, pattern, text) {
    const made = element('a', marked(text, pattern));
    made.href = section.url + (section.anchor ? `#${section.anchor}` : '');
    return made;
  }

  function item({ title, sections }) {
    const [first, ...others] = sections.slice(0, SECTIONS);
    const pattern = patternOf(first.terms);
    const page = first.kind === 'page' ? title : `${title} › ${first.title}`;
    const made = element('li', element('p', link(first, pattern, page)), element('p', marked(excerpt(first.text, pattern), pattern)));
    const more = others.map((section) => element('li', link(section, patternOf(section.terms), section.title)));
    if (more.length) made.append(element('ul', ...more));
    return made;
  }

  const status = document.getElementById('search-status');
  const pages = siteSearch.find(document.getElementById('search-query').value);
  document.getElementById('search-found').append(...pages.map(item));
  status.textContent = (pages.length ? status.dataset.some : status.dataset.none).replace('{count}', pages.length);
})();
