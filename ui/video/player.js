// The video, the verdicts of the moment, and all persons' time lines; see player.py.

const HATCH = 6;
// Of a line's height; the verdicts lie below the probabilities.
const AREAS = 0.72;
const STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
const ABOUT =
  "Click a line, or use the arrow keys on the first one, to go to a moment. Below the areas, " +
  "which are the probabilities, is the verdict.";
const DRAGGING =
  " To make two persons one, drag one onto the other, or open a card below and choose Edit.";

const players = new WeakMap();

function clock(seconds, tenths = true) {
  const all = Math.round(seconds * 10);
  const hours = Math.floor(all / 36000);
  const minutes = Math.floor(all / 600) % 60;
  const rest = String(Math.floor(all / 10) % 60).padStart(2, "0");
  if (hours) return `${hours}:${String(minutes).padStart(2, "0")}:${rest}`;
  return `${minutes}:${rest}${tenths ? `.${all % 10}` : ""}`;
}

/** Hatched lines, by which "uncertain" is told from colours alone. */
function hatching(color) {
  const canvas = element("canvas");
  canvas.width = canvas.height = HATCH;
  const context = canvas.getContext("2d");
  context.strokeStyle = color;
  context.lineWidth = 2.4;
  context.beginPath();
  for (const shift of [-HATCH, 0, HATCH]) {
    context.moveTo(shift, HATCH);
    context.lineTo(shift + HATCH, 0);
  }
  context.stroke();
  return canvas;
}

class Player {
  constructor(root) {
    this.root = root;
    this.find = (name) => root.querySelector(name);
    this.slider = this.find(".lead .band");
    this.video = null;
    this.at = 0;
    this.drop = element("p", "drop");
    this.drop.setAttribute("role", "status");
    this.listen(this.slider);
    this.slider.onkeydown = (event) => this.press(event);
    this.resized = new ResizeObserver(() => this.data && this.drawAll());
    this.resized.observe(root);
  }

  close() {
    this.resized.disconnect();
    cancelAnimationFrame(this.waiting);
    this.video?.pause();
  }

  /** Takes in other data; a video that stays goes on. */
  show(data, merge) {
    this.merge = merge;
    const text = JSON.stringify(data);
    if (text === this.text) return;
    this.text = text;
    this.data = data;
    this.pattern = hatching(data.colors.at(-1));
    this.hatched = `url(${this.pattern.toDataURL()})`;
    this.at = Math.min(Math.max(this.at, data.span[0]), data.span[1]);
    this.load(data.picture);
    this.lines();
    this.render();
  }

  load(picture) {
    const box = this.find(".picture");
    this.root.style.setProperty("--shape", picture.width / picture.height);
    if (this.video && this.address === picture.address) return;
    this.address = picture.address;
    this.video?.pause();
    box.classList.toggle("none", !picture.address);
    if (!picture.address) {
      this.video = null;
      box.replaceChildren(element("p", "", "There is no video here that browsers play."));
      return;
    }
    const video = element("video");
    video.controls = video.playsInline = true;
    video.preload = "auto";
    video.src = picture.address;
    video.setAttribute("aria-label", "The video");
    for (const name of ["timeupdate", "seeking", "seeked"]) video.addEventListener(name, () => this.follow());
    video.addEventListener("play", () => this.run());
    const from = this.at - picture.begins;
    if (from > 0) video.currentTime = from;
    this.video = video;
    box.replaceChildren(video);
  }

  follow() {
    this.at = this.video.currentTime + this.data.picture.begins;
    this.render();
  }

  run() {
    cancelAnimationFrame(this.waiting);
    const step = () => {
      if (!this.video || this.video.paused || !this.root.isConnected) return;
      this.follow();
      this.waiting = requestAnimationFrame(step);
    };
    step();
  }

  seek(seconds) {
    const [first, last] = this.data.span;
    this.at = Math.min(Math.max(seconds, first), last);
    if (this.video) this.video.currentTime = Math.max(0, this.at - this.data.picture.begins);
    this.render();
  }

  press(event) {
    const [first, last] = this.data.span;
    const small = Math.max(0.1, (last - first) / 100);
    const to = {
      ArrowRight: this.at + small, ArrowUp: this.at + small,
      ArrowLeft: this.at - small, ArrowDown: this.at - small,
      PageUp: this.at + 10 * small, PageDown: this.at - 10 * small,
      Home: first, End: last,
    }[event.key];
    if (to !== undefined) this.seek(to);
    else if (event.key === " " && this.video) this.video.paused ? this.video.play() : this.video.pause();
    else return;
    event.preventDefault();
  }

  listen(band) {
    const time = (event) => {
      const { left, width } = band.getBoundingClientRect();
      const [first, last] = this.data.span;
      return first + Math.min(Math.max((event.clientX - left) / width, 0), 1) * (last - first);
    };
    // The keyboard steers the first line, whichever was clicked.
    band.onmousedown = (event) => event.preventDefault();
    band.onpointerdown = (event) => {
      if (event.button) return;
      band.setPointerCapture(event.pointerId);
      this.slider.focus({ preventScroll: true });
      this.seek(time(event));
    };
    band.onpointermove = (event) => {
      if (band.hasPointerCapture(event.pointerId)) this.seek(time(event));
      this.tip(band, time(event));
    };
    band.onpointerleave = () => { band.querySelector(".tip").style.display = "none"; };
  }

  tip(band, at) {
    const tip = band.querySelector(".tip");
    const [first, last] = this.data.span;
    const reading = band.row ? this.reading(band.row, at) : null;
    tip.textContent = clock(at) + (reading ? ` · ${reading.verdict} ${reading.percent} %` : "");
    tip.style.display = "block";
    tip.style.left = `${Math.min(Math.max((100 * (at - first)) / (last - first), 8), 92)}%`;
  }

  /** What holds for a person at a time, or null where the person is not seen. */
  reading(row, at) {
    let [low, high] = [0, row.times.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (row.times[middle] <= at + 0.001) low = middle + 1;
      else high = middle;
    }
    const last = low - 1;
    if (last < 0 || at - row.times[last] > row.hold) return null;
    const number = row.said[last];
    return { number, verdict: this.data.verdicts[number], percent: row.percent[last] };
  }

  swatch(number) {
    const made = element("span", "swatch");
    const uncertain = number === this.data.verdicts.length - 1;
    made.style.background = uncertain ? this.hatched : this.data.colors[number];
    if (uncertain) made.style.outline = `1px solid ${this.data.colors[number]}`;
    return made;
  }

  lines() {
    const { data } = this;
    const several = data.rows.length > 1;
    const lead = this.find(".lead");
    const first = data.rows.length === 1 ? data.rows[0] : data.everybody;
    this.fill(lead, first);
    this.find(".lines").replaceChildren(
      ...(several ? data.rows.map((row, number) => this.line(row, number)) : []),
    );
    this.find(".legend").replaceChildren(...data.verdicts.map((verdict, number) => {
      const made = element("li");
      made.append(this.swatch(number), verdict);
      return made;
    }));
    this.find(".now").setAttribute("aria-label", "Verdicts at this moment");
    this.find(".hint").textContent = several ? ABOUT + DRAGGING : ABOUT;
    this.scale();
    this.drawAll();
  }

  line(row, number) {
    const made = element("li", "line");
    const band = element("div", "band");
    band.append(element("canvas"), element("div", "cursor"), element("div", "tip"));
    band.setAttribute("role", "img");
    band.setAttribute("aria-label", `${row.name} over time: ${row.about}`);
    made.append(element("div", "head"), band, element("div", "moments"));
    this.fill(made, row);
    this.listen(band);
    const head = made.querySelector(".head");
    head.draggable = true;
    head.title = `Drag ${row.name} onto another person to make them one`;
    head.ondragstart = (event) => {
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", row.name);
      this.dragged = number;
    };
    head.ondragend = () => { this.dragged = undefined; };
    const other = () => this.dragged !== undefined && this.dragged !== number;
    const leave = () => {
      made.classList.remove("target");
      if (made.contains(this.drop)) this.drop.remove();
    };
    made.ondragover = (event) => {
      if (!other()) return;
      event.preventDefault();
      if (made.classList.contains("target")) return;
      made.classList.add("target");
      this.drop.textContent = this.outcome(this.dragged, number);
      made.append(this.drop);
    };
    // From one part of the line to another, it is not left.
    made.ondragleave = (event) => made.contains(event.relatedTarget) || leave();
    made.ondrop = (event) => {
      event.preventDefault();
      leave();
      if (other()) this.merge({ person: this.data.rows[this.dragged].person, into: row.person });
    };
    return made;
  }

  /** Returns what dropping one person on another would do. */
  outcome(from, onto) {
    const { rows, together } = this.data;
    const lost = together[from][onto];
    return (
      `Let go to make ${rows[from].name} and ${rows[onto].name} one person: ` +
      (lost
        ? `they are seen at the same time, so you will be asked about ${lost} readings first.`
        : "they are never seen at the same time, so no reading is lost.")
    );
  }

  /** Fills a line with who it is and when the strongest moments are. */
  fill(line, row) {
    const head = line.querySelector(".head");
    const text = element("div", "text");
    const name = element("div", "name");
    if (row.color) {
      const dot = element("span", "dot");
      dot.style.background = row.color;
      name.append(dot);
    }
    name.append(row.name);
    text.append(name);
    if (row.about) text.append(element("div", "about", row.about));
    head.replaceChildren(text);
    if (row.face) {
      const face = element("img");
      face.src = row.face;
      face.alt = "";
      face.draggable = false;
      head.prepend(face);
    }
    line.querySelector(".band").row = row.times ? row : null;
    line.querySelector("canvas").band = row.band;
    line.querySelector(".moments").replaceChildren(...(row.moments ?? []).map((moment) => {
      const button = element("button");
      const said = `${this.data.verdicts[moment.verdict]} ${moment.percent} %`;
      button.type = "button";
      button.title = `${said} at ${clock(moment.time)}`;
      button.setAttribute("aria-label", `Go to ${row.name}, ${said} at ${clock(moment.time)}`);
      button.append(this.swatch(moment.verdict), clock(moment.time));
      button.onclick = () => this.seek(moment.time);
      return button;
    }));
  }

  scale() {
    const [first, last] = this.data.span;
    const parts = 4;
    this.find(".axis").replaceChildren(...Array.from({ length: parts + 1 }, (_, part) => {
      const mark = element("span", "", clock(first + ((last - first) * part) / parts, last - first < 60));
      mark.style.left = `${(100 * part) / parts}%`;
      return mark;
    }));
  }

  drawAll() {
    // The widest moments give all lines the same column.
    this.root.style.removeProperty("--right");
    const wide = [...this.root.querySelectorAll(".moments")].map((one) => one.scrollWidth);
    this.root.style.setProperty("--right", `${Math.max(...wide)}px`);
    for (const canvas of this.root.querySelectorAll("canvas")) this.draw(canvas, canvas.band);
  }

  draw(canvas, band) {
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (!width || !band) return;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    const [first, last] = this.data.span;
    const x = (time) => (width * (time - first)) / (last - first);
    const hatched = context.createPattern(this.pattern, "repeat");
    const uncertain = this.data.verdicts.length - 1;
    const tall = height * AREAS;
    band.begin.forEach((begin, n) => {
      // Who was seen for a moment only is still to be seen.
      const [left, wide] = [x(begin), Math.max(1.5, x(Math.min(band.end[n], last)) - x(begin)) + 0.3];
      let low = tall;
      band.shares[n].forEach((share, k) => {
        const high = (tall * share) / 1000;
        context.fillStyle = this.data.colors[k];
        context.fillRect(left, low - high, wide, high + 0.3);
        low -= high;
      });
      const said = band.said[n];
      context.fillStyle = said === uncertain ? hatched : this.data.colors[said];
      context.fillRect(left, tall + 2, wide, height - tall - 2);
    });
    context.strokeStyle = getComputedStyle(canvas).color;
    context.setLineDash([3, 3]);
    context.globalAlpha = 0.7;
    context.beginPath();
    for (const cut of this.data.cuts) {
      context.moveTo(x(cut), 0);
      context.lineTo(x(cut), height);
    }
    context.stroke();
  }

  /** Shows the moment: the cursors, and who is read how. */
  render() {
    const [first, last] = this.data.span;
    const at = Math.min(Math.max(this.at, first), last);
    this.root.style.setProperty("--at", ((100 * (at - first)) / (last - first)).toFixed(3));
    this.find(".clock").textContent = clock(this.at);
    const there = this.data.rows
      .map((row) => ({ row, reading: this.reading(row, this.at) }))
      .filter(({ reading }) => reading);
    const said = there.map(({ row, reading }) => `${row.name} ${reading.verdict} ${reading.percent} %`);
    this.slider.setAttribute("aria-valuemin", first.toFixed(1));
    this.slider.setAttribute("aria-valuemax", last.toFixed(1));
    this.slider.setAttribute("aria-valuenow", at.toFixed(1));
    this.slider.setAttribute("aria-valuetext", [clock(at), ...(said.length ? said : ["nobody"])].join("; "));
    const text = said.join("\n");
    if (text === this.said && this.shown === this.data) return;
    [this.said, this.shown] = [text, this.data];
    this.find(".now ul").replaceChildren(
      ...(there.length ? there.map((entry) => this.entry(entry)) : [element("li", "", "Nobody is seen.")]),
    );
  }

  entry({ row, reading }) {
    const made = element("li");
    const dot = element("span", "dot");
    dot.style.background = row.color;
    made.append(
      dot, element("span", "who", row.name), this.swatch(reading.number),
      element("span", "what", reading.verdict), element("span", "percent", `${reading.percent} %`),
    );
    return made;
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".player");
  if (!players.has(root)) players.set(root, new Player(root));
  players.get(root).show(data, (persons) => setTriggerValue("merged", persons));
  // Other data may come with a call of its own, and the video must not end with the one before.
  return () => setTimeout(() => {
    if (root.isConnected) return;
    players.get(root)?.close();
    players.delete(root);
  });
}
