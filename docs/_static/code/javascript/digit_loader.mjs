/** Open the demo when its button is pressed, and fetch nothing of it before. */
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
