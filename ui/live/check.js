// Finds out why the camera or the connection does not work, and says it in plain words.

const WORDS = {
  insecure:
    "This page is not secure, so the browser gives it no camera. Open it with https://, or as " +
    "localhost on the computer that runs the app.",
  unsupported: "This browser cannot use cameras in pages.",
  missing: "No camera found. Connect one, or choose another device in the system's settings.",
  denied:
    "The camera is not allowed for this page. Allow it with the button beside the browser's " +
    "address, then press Start again.",
  busy:
    "The camera is in use by another program or tab, or the system blocks it. Close the other " +
    "one, then press Start again.",
  unfit: "The camera cannot deliver what is asked for; choose another resolution.",
};
const WAIT_MS = 8000;
const LOOK_MS = 1000;

/** The words for what getUserMedia failed with; its name is enough. */
function cameraFault(text) {
  if (/NotAllowedError|SecurityError/.test(text)) return WORDS.denied;
  if (/NotFoundError/.test(text)) return WORDS.missing;
  if (/NotReadableError|AbortError/.test(text)) return WORDS.busy;
  if (/OverconstrainedError/.test(text)) return WORDS.unfit;
  if (/not loaded securely/.test(text)) return WORDS.insecure;
  return null;
}

/** What can be told without asking for the camera; null when nothing speaks against it. */
async function pageFault() {
  if (!window.isSecureContext) return WORDS.insecure;
  if (!navigator.mediaDevices?.getUserMedia) return WORDS.unsupported;
  const devices = await navigator.mediaDevices.enumerateDevices();
  if (!devices.some((device) => device.kind === "videoinput")) return WORDS.missing;
  try {
    // Not every browser knows the permission by this name.
    const permission = await navigator.permissions.query({ name: "camera" });
    if (permission.state === "denied") return WORDS.denied;
  } catch {
    return null;
  }
  return null;
}

/** What the camera's own frame complains of; it shows the browser's message as it is. */
function frameFault() {
  for (const frame of document.querySelectorAll("iframe[title*=webrtc]")) {
    const alert = frame.contentDocument?.querySelector("[role=alert]");
    const fault = alert && cameraFault(alert.textContent);
    if (fault) return fault;
  }
  return null;
}

async function tryCamera() {
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: true });
    const name = stream.getVideoTracks()[0].label;
    stream.getTracks().forEach((track) => track.stop());
    return [true, `The camera works: ${name}.`];
  } catch (error) {
    return [false, cameraFault(error.name) ?? `The camera does not open: ${error.message}.`];
  }
}

/** Asks the STUN and TURN servers for the ways that they offer. */
async function findWays(configuration) {
  const peer = new RTCPeerConnection(configuration);
  const kinds = new Set();
  const complete = new Promise((resolve) => {
    peer.onicecandidate = ({ candidate }) => {
      if (candidate === null) resolve();
      else if (candidate.type) kinds.add(candidate.type);
    };
  });
  peer.createDataChannel("check");
  await peer.setLocalDescription(await peer.createOffer());
  await Promise.race([complete, new Promise((resolve) => setTimeout(resolve, WAIT_MS))]);
  peer.close();
  return kinds;
}

async function tryNetwork({ configuration, hasTurn }) {
  const kinds = await findWays(configuration);
  if (hasTurn) {
    return kinds.has("relay")
      ? [true, "The TURN server answers: the video can be relayed where no direct way exists."]
      : [false, "The TURN server does not answer, or refuses the credentials (ICE failed)."];
  }
  if (configuration.iceServers.length && !kinds.has("srflx")) {
    return [false, "The STUN server does not answer."];
  }
  return [
    kinds.size > 0,
    kinds.size > 0
      ? "The browser can connect directly. No TURN server is set up: between two networks, and " +
        "behind most firewalls, one is needed."
      : "The browser offers no way to connect (ICE failed); an extension or a policy forbids it.",
  ];
}

async function runCheck(list, data) {
  list.replaceChildren();
  const say = (kind, text) => {
    const item = document.createElement("li");
    item.className = kind;
    item.textContent = text;
    list.append(item);
    return item;
  };
  const step = async (text, work) => {
    const item = say("open", text);
    const [good, result] = await work();
    item.className = good ? "good" : "bad";
    item.textContent = result;
    return good;
  };
  const secure = await step("Looking at the page …", async () =>
    window.isSecureContext ? [true, "The page may use cameras."] : [false, WORDS.insecure],
  );
  if (secure) await step("Opening the camera …", tryCamera);
  await step("Asking the network …", () => tryNetwork(data));
}

export default function ({ parentElement, data }) {
  const problem = parentElement.querySelector(".problem");
  const button = parentElement.querySelector("button");
  const list = parentElement.querySelector("ol");
  const look = async () => {
    const fault = (await pageFault()) ?? frameFault();
    problem.hidden = fault === null;
    if (problem.textContent !== (fault ?? "")) problem.textContent = fault ?? "";
  };
  button.onclick = async () => {
    button.disabled = true;
    await runCheck(list, data);
    button.disabled = false;
  };
  look();
  const timer = setInterval(look, LOOK_MS);
  return () => clearInterval(timer);
}
