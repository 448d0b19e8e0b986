// What components build their parts with; component.py puts it before each one's own script.

function element(kind, name = "", text = "") {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text !== "") made.textContent = text;
  return made;
}

function add(parent, kind, name, text) {
  const made = element(kind, name, text);
  parent.append(made);
  return made;
}

