// The button that copies a page as Markdown; without it there is the link beside it.
const button = document.querySelector(".copy-page");

async function copyPage() {
  const status = button.parentNode.querySelector("[role=status]");
  const markdown = fetch(button.dataset.page).then((answer) => {
    if (!answer.ok) throw new Error(answer.statusText);
    return answer.blob();
  });
  try {
    // Safari lets a page write only at once: it is given the promise.
    const item = { "text/plain": markdown.then((blob) => new Blob([blob], { type: "text/plain" })) };
    await navigator.clipboard.write([new ClipboardItem(item)]);
    status.textContent = button.dataset.done;
  } catch {
    status.textContent = button.dataset.failed;
  }
}

// From the disk, or without HTTPS, a page may neither fetch nor copy.
if (button && location.protocol !== "file:" && window.ClipboardItem && navigator.clipboard) {
  button.hidden = false;
  button.addEventListener("click", copyPage);
}
