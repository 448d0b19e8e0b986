// Runs in the frame of the camera: notes when each numbered frame is seen at the camera and when it
// comes back.
async ([square, squares, seconds, width, height]) => {
  const returned = document.querySelector("video");
  const stream = await navigator.mediaDevices.getUserMedia({
    video: { width, height, frameRate: 30 },
  });
  const local = document.createElement("video");
  local.srcObject = stream;
  local.muted = true;
  await local.play();
  const strip = new OffscreenCanvas(squares, 1);
  const context = strip.getContext("2d", { willReadFrequently: true });
  const numberIn = (video) => {
    // Another size came back when the browser had to save bandwidth.
    const scale = video.videoHeight / height;
    const [w, h] = [squares * square * scale, square * scale];
    context.drawImage(
      video, (video.videoWidth - w) / 2, video.videoHeight - h * 0.75, w, h / 2, 0, 0, squares, 1,
    );
    const pixels = context.getImageData(0, 0, squares, 1).data;
    let bits = Array.from({ length: squares }, (_, i) => (pixels[4 * i + 1] > 127 ? 1 : 0));
    if (bits[0] === 0) bits.reverse();
    if (bits[0] !== 1 || bits[squares - 1] !== 0) return null;
    return bits.slice(1, -1).reduce((number, bit) => 2 * number + bit, 0);
  };
  const watch = (video) => {
    const seen = [];
    const look = (now) => {
      const number = numberIn(video);
      if (number !== null) seen.push([now, number]);
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
    return seen;
  };
  const [sent, received] = [watch(local), watch(returned)];
  const quality = () => returned.getVideoPlaybackQuality();
  const [start, before] = [performance.now(), quality()];
  await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  const [end, after] = [performance.now(), quality()];
  stream.getTracks().forEach((track) => track.stop());
  local.srcObject = null;
  return {
    sent, received, seconds: (end - start) / 1000,
    frames: after.totalVideoFrames - before.totalVideoFrames,
  };
}
