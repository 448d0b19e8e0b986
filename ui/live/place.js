// Gives the camera's frame the look of the page, and calm; see place.py.

const ID = "fer-look";
const LOOK_MS = 150;

const found = new Map();

/** The page's upright fonts of a family: a frame knows their names, and has none of its own. */
function fonts(family) {
  if (found.has(family)) return found.get(family);
  const rules = [];
  for (const sheet of document.styleSheets) {
    if (!sheet.href) continue; // others have none, and some must not be looked into
    for (const rule of sheet.cssRules) {
      if (!(rule instanceof CSSFontFaceRule) || rule.style.fontStyle === "italic") continue;
      if (!family.includes(rule.style.fontFamily)) continue;
      rules.push(rule.cssText.replace(/url\("(.*?)"\)/g, (_, path) => `url("${new URL(path, sheet.href)}")`));
    }
  }
  found.set(family, rules.join("\n"));
  return found.get(family);
}

/** Rules that outweigh those of the frame, which it may add later. */
function look(theme) {
  const of = (name) => theme.getPropertyValue(name).trim();
  const [family, primary, radius] = [of("--st-font"), of("--st-primary-color"), of("--st-button-radius")];
  return `${fonts(family)}
    #root .MuiButton-root {
      min-height: 2.5rem; padding: 0.25rem 0.75rem; border-radius: ${radius}; box-shadow: none;
      border: 1px solid ${of("--st-border-color")}; font: 400 0.875rem/1.6 ${family};
      text-transform: none; letter-spacing: 0;
    }
    #root .MuiButton-root:hover { box-shadow: none; }
    #root .MuiButton-contained { background: ${primary}; border-color: ${primary}; }
    #root .MuiButton-contained:hover { background: hsl(from ${primary} h s calc(l - 15)); }
    #root .MuiPaper-root:has(> [data-testid=VideoLabelIcon]) {
      display: grid; place-items: center; box-sizing: border-box; aspect-ratio: 4 / 3;
      height: auto; border-radius: ${radius}; background: ${of("--st-secondary-background-color")};
    }
    #root [data-testid=VideoLabelIcon] { font-size: 4rem; opacity: 0.5; }
    video { display: block; border-radius: ${radius}; }`;
}

/**
 * Has a frame not end a camera at a gap in the network: a browser that calls a connection
 * "disconnected" goes on trying, and calls it "failed" when it gives up.
 */
function calm(frame) {
  const Peer = frame.RTCPeerConnection;
  if (!Peer || Peer.isCalm) return;
  frame.RTCPeerConnection = class extends Peer {
    static isCalm = true;

    constructor(...all) {
      super(...all);
      // The first to hear of it.
      this.addEventListener("connectionstatechange", (event) => {
        if (this.connectionState === "disconnected") event.stopImmediatePropagation();
      });
    }
  };
}

function dress(theme) {
  for (const frame of document.querySelectorAll("iframe[title*=webrtc]")) {
    const page = frame.contentDocument;
    if (!page?.head) continue;
    calm(frame.contentWindow);
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
