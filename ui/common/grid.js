export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".grid");
  const side = 72;
  root.replaceChildren();
  root.classList.toggle("text", !data.atlas);
  let number = 0;
  for (const group of data.groups) {
    const box = add(root, "div", "group");
    if (group.title) add(box, "p", "title", group.title);
    const tiles = add(box, "div", "tiles");
    for (const tile of group.tiles) {
      const own = number++;
      const button = add(tiles, "button", "tile");
      button.type = "button";
      button.title = tile.title;
      button.style.setProperty("--tile-color", tile.color);
      if (data.atlas) {
        const face = add(button, "span", "face");
        face.style.backgroundImage = `url(${data.atlas})`;
        face.style.backgroundSize = `${data.columns * side}px auto`;
        const x = (own % data.columns) * side, y = Math.floor(own / data.columns) * side;
        face.style.backgroundPosition = `-${x}px -${y}px`;
      }
      for (const line of tile.lines) add(button, "span", "line", line);
      button.onclick = () => {
        // What opens is shorter than a long list, and would be seen from its end.
        document.querySelector('[data-testid="stMain"]')?.scrollTo({ top: 0 });
        setTriggerValue("picked", own);
      };
    }
  }
}
