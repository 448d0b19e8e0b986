// Draws the figures, bars and time lines beside the live video; see charts.py.

const HEIGHT = 84;

function figure([name, value, help]) {
  const made = element("div", "");
  made.title = help;
  made.append(element("div", "name", name), element("div", "value", value));
  return made;
}

function heading(color, text) {
  const made = element("div", "heading");
  const dot = element("span", "dot");
  dot.style.background = color;
  made.append(dot, text);
  made.title = text;
  return made;
}

function bars(face, data) {
  const made = element("div", "face");
  made.append(heading(face.color, face.heading));
  face.values.forEach((value, i) => {
    const line = element("div", "line");
    const track = element("div", "track");
    const bar = element("div", "bar");
    bar.style.background = data.colors[i];
    bar.style.width = `${100 * (value ?? 0)}%`;
    const mark = element("div", "mark");
    mark.style.left = `${100 * data.threshold}%`;
    track.append(bar, mark);
    line.append(
      element("div", "label", data.labels[i]), track,
      element("div", "figure", value === null ? "–" : `${Math.round(100 * value)} %`),
    );
    made.append(line);
  });
  return made;
}

/** Draws stacked areas from thousandths, the first emotion at the bottom. */
function areas(canvas, row, data) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  canvas.width = width * ratio;
  canvas.height = HEIGHT * ratio;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const x = row.seconds.map((second) => width * (1 + second / data.span));
  const below = new Array(x.length).fill(0);
  data.colors.forEach((color, i) => {
    const above = below.map((value, n) => value + row.values[n][i]);
    const y = (value) => HEIGHT * (1 - value / 1000);
    context.beginPath();
    x.forEach((at, n) => context.lineTo(at, y(above[n])));
    for (let n = x.length - 1; n >= 0; n--) context.lineTo(x[n], y(below[n]));
    context.fillStyle = color;
    context.fill();
    below.splice(0, below.length, ...above);
  });
}

function timeLine(row, data, parent) {
  const made = element("div", "row");
  const number = element("div", "number", String(row.person));
  const canvas = element("canvas", "area");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `Person ${row.person}, the last ${data.span} seconds`);
  made.append(number, canvas);
  parent.append(made);
  areas(canvas, row, data);
}

export default function ({ parentElement, data }) {
  const [figures, charts, rows] = ["figures", "bars", "rows"].map((name) =>
    parentElement.querySelector(`.${name}`),
  );
  figures.replaceChildren(...data.figures.map(figure));
  charts.classList.toggle("narrow", data.faces.length > 1);
  charts.replaceChildren(
    ...(data.faces.length
      ? data.faces.map((face) => bars(face, data))
      : [element("div", "", "No face in the picture.")]),
  );
  rows.replaceChildren();
  if (!data.rows.length) return;
  rows.append(element("div", "title", `The last ${data.span} seconds of each person`));
  data.rows.forEach((row) => timeLine(row, data, rows));
  const axis = element("div", "axis");
  for (let part = 0; part <= 3; part++) {
    axis.append(element("span", "", `${Math.round(data.span * (part / 3 - 1))} s`.replace("-", "−")));
  }
  rows.append(axis);
}
