/** Open the demo when its button is pressed, and fetch nothing of it before. */
const { lang, dataset } = document.documentElement;
// A page in several languages is shown in the reader's, or in the one that it was written in.
const languages = dataset.languages?.split(' ') ?? [lang];
const same = (one, other) => one.split('-')[0] === other.split('-')[0];
const wanted = navigator.languages.find((one) => languages.some((other) => same(one, other)));
document.documentElement.lang = languages.find((one) => same(one, wanted ?? lang)) ?? lang;

for (const place of document.querySelectorAll('.digit-demo')) {
  const button = place.querySelector('button');
  const failed = place.querySelector('.digit-failed');
  button.hidden = false;
  button.addEventListener('click', async () => {
    button.disabled = true;
    try {
      const { mount } = await import('./digit.mjs');
      await mount(place);
    } catch (error) {
      console.warn(error);
      button.disabled = false;
      failed.hidden = false;
    }
  });
}
