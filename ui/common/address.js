// Keeps one value in the page's address; see address.py.

const LOOK_MS = 250;

export default function ({ data, parentElement }) {
  const keep = () => {
    const address = new URL(window.location.href);
    // At a change of page the address follows a little later than what is shown.
    if (data.page && !address.pathname.endsWith(`/${data.page}`)) return;
    if ((address.searchParams.get(data.name) ?? "") === data.value) return;
    if (data.value) address.searchParams.set(data.name, data.value);
    else address.searchParams.delete(data.name);
    window.history.replaceState(window.history.state, "", address);
  };
  // With other data this runs again, and nothing ends what ran before.
  clearInterval(parentElement.keeping);
  parentElement.keeping = setInterval(keep, LOOK_MS);
  keep();
  return () => clearInterval(parentElement.keeping);
}
