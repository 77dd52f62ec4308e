/** Hides the rows of the table behind a form.table-filter that lack one of the words in its box. */
for (const form of document.querySelectorAll('form.table-filter')) {
  const box = form.querySelector('input');
  const status = form.querySelector('[role=status]');
  const rows = [...form.parentElement.querySelectorAll('tbody tr')];
  const filter = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
    const count = rows.filter((row) => !row.hidden).length;
    status.textContent = words.length ? status.dataset.count.replace('{count}', count) : '';
  };
  form.hidden = false;
  form.addEventListener('submit', (event) => event.preventDefault());
  box.addEventListener('input', filter);
  if (box.value) filter(); // kept by the browser
}
