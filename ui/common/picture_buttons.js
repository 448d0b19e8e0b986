export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".pictures");
  root.classList.toggle("row", data.row);
  root.replaceChildren();
  data.items.forEach((item, position) => {
    const button = add(root, "button", item.chosen ? "chosen" : "");
    button.type = "button";
    button.title = item.title;
    if (item.chosen) button.setAttribute("aria-current", "true");
    const frame = add(button, "span", "image");
    if (item.image) {
      const image = add(frame, "img", "");
      image.src = item.image;
      // The button's text says what it is.
      image.alt = "";
    } else add(frame, "span", "none");
    if (item.film) add(frame, "span", "film", "▶").setAttribute("aria-hidden", "true");
    add(button, "span", "title", item.title);
    for (const verdict of item.verdicts) {
      const line = add(button, "span", verdict.hatched ? "verdict hatched" : "verdict", verdict.text);
      line.style.setProperty("--of", verdict.color);
    }
    if (item.note) add(button, "span", "note", item.note);
    button.onclick = () => setTriggerValue("picked", position);
  });
}
