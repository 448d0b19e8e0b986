// A box points at its face's card, which is elsewhere on the page, and the card at its box.

const ROOM = 26;

export default function ({ data, parentElement }) {
  const picture = parentElement.querySelector(".picture");
  const image = picture.querySelector("img");
  const cardOf = (position) => document.querySelector(`.st-key-${data.card}${position}`);
  image.width = data.width;
  image.height = data.height;
  image.alt = data.alt;
  if (image.src !== data.image) image.src = data.image;
  for (const old of picture.querySelectorAll("button")) old.remove();
  const light = (position, lit) => {
    buttons[position]?.classList.toggle("lit", lit);
    cardOf(position)?.toggleAttribute("data-lit", lit);
  };
  const buttons = data.faces.map((face, position) => {
    const button = add(picture, "button");
    button.type = "button";
    button.classList.toggle("hatched", face.hatched);
    button.setAttribute("aria-label", `Face ${position + 1}: ${face.said}`);
    button.style.setProperty("--of", face.color);
    for (const side of ["left", "top", "width", "height"]) {
      button.style[side] = `${100 * face.place[side]}%`;
    }
    const tag = add(button, "span", "tag", `${position + 1}`);
    add(tag, "span", "said", face.said);
    button.onmouseenter = () => light(position, true);
    button.onmouseleave = () => light(position, false);
    button.onfocus = () => light(position, true);
    button.onblur = () => light(position, false);
    button.onclick = () => {
      const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      cardOf(position)?.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
    };
    return button;
  });

  // Captions keep inside the picture and off its faces; in a crowd the number is enough.
  const arrange = () => {
    const { clientWidth: width, clientHeight: height } = image;
    data.faces.forEach(({ place }, position) => {
      const tag = buttons[position].firstChild;
      const above = place.top * height >= ROOM;
      const under = (1 - place.top - place.height) * height >= ROOM;
      tag.classList.toggle("below", !above && under);
      tag.classList.toggle("inside", !above && !under);
      tag.classList.toggle("right", place.left > 0.6);
      buttons[position].classList.toggle("narrow", place.width * width < 90 && data.faces.length > 2);
    });
  };
  // With other data this runs again, and nothing ends what ran before.
  parentElement.arranging?.disconnect();
  parentElement.arranging = new ResizeObserver(arrange);
  parentElement.arranging.observe(image);
  let shown = null;
  const follow = (event) => {
    const found = event.target.closest?.(`[class*="st-key-${data.card}"]`);
    const name = [...(found?.classList ?? [])].find((one) => one.startsWith(`st-key-${data.card}`));
    const position = name ? Number(name.slice(`st-key-${data.card}`.length)) : null;
    if (position === shown) return;
    if (shown !== null) light(shown, false);
    shown = Number.isInteger(position) ? position : null;
    if (shown !== null) light(shown, true);
  };
  if (parentElement.following) document.removeEventListener("pointerover", parentElement.following);
  parentElement.following = follow;
  document.addEventListener("pointerover", follow);
  return () => {
    document.removeEventListener("pointerover", parentElement.following);
    parentElement.arranging.disconnect();
  };
}
