// Buttons that copy a text: <button data-copy-from="id of the element">, hidden until this script runs.
"use strict";
{
  const copy = async (source) => {
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      return "Copied";
    } catch {
      getSelection().selectAllChildren(source); // no permission: the reader copies what is selected
      return "Selected: press Ctrl+C";
    }
  };

  for (const button of document.querySelectorAll("button[data-copy-from]")) {
    const source = document.getElementById(button.dataset.copyFrom);
    if (!source) continue;
    const label = button.textContent;
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", async () => {
      button.textContent = await copy(source);
      setTimeout(() => (button.textContent = label), 2500);
    });
    button.hidden = false;
  }
}
