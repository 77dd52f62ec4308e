/** The search: MiniSearch ranks sections, this says what a word is, and shows what was found.
 *
 * Words are compared by their stems, Chinese by pairs of characters. Not every word has to occur, so a
 * whole question finds what it is about; but a section that shares only a small part of it is left out.
 */
const siteSearch = (() => {
  const STOP = new Set((
    'a about after all also am an and any are as at be been but by can cannot could did do does doing don for from get'
    + ' had has have having he how i if in into is it its just me my of on one or our out please should so some'
    + ' such than that the their them then there these they this to too up us want was we were what when where'
    + ' whether which while who why will with would you your vs versus'
  ).split(' '));
  const CHINESE_STOP = /请问|怎么办|怎么样|怎么|怎样|如何|为什么|是什么|什么样|什么|多少|哪个|哪些|哪种|哪一种|能不能|可不可以|可以|有没有|应该|我的|您的|你的|吗|呢|吧|的|了|和|与|或|是|在|把|用|我|您|你|很|太/g;
  const RANK = [[/^gallery\//, 0.45], [/^terminology\./, 0.3]]; // the chapters come first
  const KINDS = { page: 1.5, section: 1, error: 0.7 };
  const SHARE = 0.34; // of what is asked, weighed by rarity, has to be there
  const PAGES = 10;

  const stemmer = new EnglishStemmer();
  const stem = (word) => stemmer.stemWord(
    word.replace(/is(ation|e|ed|es|er|ing)(s?)$/, 'iz$1$2').replace(/our$/, 'or').replace(/ence$/, 'ense'));

  /** Return the terms of a Latin word: the whole, and its parts where it is made of some. */
  function latin(word) {
    const parts = word.replace(/([a-z\d])([A-Z])/g, '$1 $2').toLowerCase().split(/[^a-z\d]+/).filter(Boolean);
    return [...new Set([parts.join(''), ...parts])].map(stem);
  }

  const pairs = (han) => (han.length < 2 ? [han] : Array.from({ length: han.length - 1 }, (_, i) => han.slice(i, i + 2)));

  /** Return the terms of a text in their order. */
  function terms(text) {
    const words = text.normalize('NFKC').match(/[A-Za-z\d]+(?:[-_.]+[A-Za-z\d]+)*|[\u3400-\u9fff]+/g) ?? [];
    return words.flatMap((word) => (word.charCodeAt(0) < 0x3400 ? latin(word) : pairs(word)))
      .filter((term) => term && !STOP.has(term));
  }

  /** Return groups of equal phrases of which one is in a query, as the terms of the others. */
  function synonyms(query) {
    const plain = ` ${query.normalize('NFKC').toLowerCase()} `;
    const stems = ` ${terms(query).join(' ')} `;
    const within = (phrase) => (/[\u3400-\u9fff]/.test(phrase) ? plain.includes(phrase) : stems.includes(` ${terms(phrase).join(' ')} `));
    return siteSearchWords.filter((group) => group.some(within)).flat().flatMap(terms);
  }

  const occurrences = new Map();
  /** Return how much a term counts; a pair that is nowhere is most often two words' ends. */
  function rarity(term) {
    const known = occurrences.get(term);
    if (!known && term.charCodeAt(0) >= 0x3400) return 2;
    return Math.log(2 + 2000 / (known ?? 0.5));
  }

  /** Count a term that is indexed. */
  function counted(term) {
    occurrences.set(term, (occurrences.get(term) ?? 0) + 1);
    return term;
  }

  const mini = new MiniSearch({
    fields: ['title', 'page', 'text', 'code'],
    storeFields: ['url', 'anchor', 'kind', 'title', 'page', 'text'],
    tokenize: terms,
    processTerm: counted,
    searchOptions: {
      processTerm: (term) => term,
      boost: { title: 4, page: 2, text: 1, code: 0.6 },
      boostDocument: (id, term, { url, kind }) => KINDS[kind] * (RANK.find(([start]) => start.test(url))?.[1] ?? 1),
    },
  });

  /** Take the sections of all pages. */
  function learn(pages) {
    let id = 0;
    mini.addAll(pages.flatMap(({ url, title: page, sections }) => sections.map(
      ([kind, anchor, title, text, code]) => ({ id: id++, url, kind, anchor, title, page, text, code }))));
  }

  /** Return sections that share enough of the query's terms, best first. */
  function matching(query, options) {
    const asked = query.replace(CHINESE_STOP, ' ');
    const own = [...new Set(terms(asked))];
    const wanted = own.length ? own : [...new Set(terms(query))];
    if (!wanted.length) return [];
    const also = synonyms(query).filter((term) => !wanted.includes(term));
    const total = wanted.reduce((sum, term) => sum + rarity(term), 0);
    const found = mini.search({
      combineWith: 'OR',
      queries: [
        { queries: wanted, prefix: (term) => /^[\u3400-\u9fff]$/.test(term), ...options },
        ...(also.length ? [{ queries: also, boostTerm: () => 0.5 }] : []),
      ],
    });
    return found.filter(({ queryTerms }) => {
      const shared = wanted.filter((term) => queryTerms.includes(term)).reduce((sum, term) => sum + rarity(term), 0);
      return shared >= SHARE * total || queryTerms.some((term) => also.includes(term));
    });
  }

  /** Return pages with the sections found on them, best first; misspelled words if nothing else is there. */
  function find(query) {
    const exact = matching(query, {});
    const found = exact.length ? exact : matching(query, { fuzzy: (term) => (term.length > 5 ? 0.2 : false), prefix: (term) => term.length > 3 });
    const pages = new Map();
    for (const section of found) {
      const page = pages.get(section.url) ?? { url: section.url, title: section.page, sections: [] };
      page.sections.push(section);
      pages.set(section.url, page);
    }
    const alone = ({ kind, score }) => (kind === 'page' ? score / KINDS.page : score); // within its page
    for (const { sections } of pages.values()) sections.sort((a, b) => alone(b) - alone(a));
    return [...pages.values()].slice(0, PAGES);
  }
  return { learn, find };
})();

