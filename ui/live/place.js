// Gives the camera's frame the look of the page; see place.py.

const ID = "fer-look";
const LOOK_MS = 150;

/** Rules that outweigh those of the frame, which it may add later. */
function look(theme) {
  const of = (name) => theme.getPropertyValue(name).trim();
  return `
    #root .MuiButton-root {
      min-height: 2.5rem; padding: 0.25rem 0.75rem; border-radius: 0.5rem; box-shadow: none;
      font-size: 1rem; font-weight: 400; line-height: 1.6; text-transform: none; letter-spacing: 0;
    }
    #root .MuiButton-root:hover { box-shadow: none; }
    #root .MuiButton-text { border: 1px solid ${of("--st-border-color")}; }
    #root .MuiPaper-root:has(> [data-testid=VideoLabelIcon]) {
      display: grid; place-items: center; box-sizing: border-box; aspect-ratio: 4 / 3;
      height: auto; border-radius: 0.5rem; background: ${of("--st-secondary-background-color")};
    }
    #root [data-testid=VideoLabelIcon] { font-size: 4rem; opacity: 0.5; }
    video { display: block; border-radius: 0.5rem; }`;
}

function dress(theme) {
  for (const frame of document.querySelectorAll("iframe[title*=webrtc]")) {
    const page = frame.contentDocument;
    if (!page?.head) continue;
    let style = page.getElementById(ID);
    if (!style) {
      style = page.createElement("style");
      style.id = ID;
      page.head.append(style);
    }
    const text = look(theme);
    if (style.textContent !== text) style.textContent = text;
  }
}

export default function ({ parentElement }) {
  // The frame comes when it comes, and anew with other settings.
  const theme = getComputedStyle(parentElement.querySelector("span"));
  dress(theme);
  const timer = setInterval(() => dress(theme), LOOK_MS);
  return () => clearInterval(timer);
}
