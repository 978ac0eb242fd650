// The webcam of the Live tab: frames go to the server as JPEG and come back painted. Never more than
// two are on the way, and a frame is only taken when there is room for it: nothing can pile up.
const jaxnstLive = (() => {
  const IN_FLIGHT = 2;
  const RECENT = 30; // frames, of which the rate is shown
  let socket = null, stream = null, settings = null, waiting = [], times = [], timer = null;
  let run = 0; // counts starts and stops: what waits for an older one gives up
  let refusal = "", said = 0;
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;

  const canvas = () => document.getElementById("live-canvas");
  const say = (text) => { document.getElementById("live-status").textContent = text; };

  function set(style, second, mix, strength, keepColors, size, split, mirror) {
    settings = { style, second, mix, strength, keepColors, size, split, mirror };
    if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(settings));
  }

  async function start(ticket, ...values) {
    stop();
    const mine = ++run;
    set(...values);
    if (!navigator.mediaDevices) {
      say("The browser lends its webcam only to pages on localhost or https.");
      return;
    }
    try {
      const wanted = { width: { ideal: 640 }, height: { ideal: 480 } };
      const opened = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
      if (mine !== run) {
        opened.getTracks().forEach((track) => track.stop());
        return;
      }
      stream = opened;
    } catch (error) {
      say(`The webcam cannot be used (${error.name}): allow it in the browser, or plug one in.`);
      return;
    }
    video.srcObject = stream;
    await video.play().catch(() => {}); // stopped meanwhile
    if (mine !== run) return;
    say("Getting ready …");
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const opened = new WebSocket(`${scheme}://${location.host}/live?ticket=${ticket}`);
    opened.binaryType = "blob";
    opened.onopen = () => {
      opened.send(JSON.stringify(settings));
      timer = setInterval(fill, 15);
    };
    opened.onmessage = (event) => receive(event.data);
    opened.onclose = () => { if (socket === opened) { hangUp(); say(refusal || "The webcam is off."); } };
    socket = opened;
    refusal = "";
  }

  function hangUp() {
    clearInterval(timer);
    if (stream) stream.getTracks().forEach((track) => track.stop());
    if (socket) socket.close();
    socket = stream = timer = null;
    waiting = [];
    times = [];
  }

  function stop() {
    run += 1;
    hangUp();
    say("The webcam is off.");
  }

  // The largest part of the webcam's picture that has the shape of a frame, upright as it is.
  function grab() {
    const [w, h] = settings.size.split("x").map(Number);
    const upright = video.videoHeight > video.videoWidth;
    const frame = document.createElement("canvas");
    [frame.width, frame.height] = upright ? [h, w] : [w, h];
    const scale = Math.min(video.videoWidth / frame.width, video.videoHeight / frame.height);
    const [cw, ch] = [frame.width * scale, frame.height * scale];
    const context = frame.getContext("2d");
    if (settings.mirror) {
      context.translate(frame.width, 0);
      context.scale(-1, 1);
    }
    const [x, y] = [(video.videoWidth - cw) / 2, (video.videoHeight - ch) / 2];
    context.drawImage(video, x, y, cw, ch, 0, 0, frame.width, frame.height);
    return frame;
  }

  function fill() {
    if (!socket || socket.readyState !== WebSocket.OPEN || video.readyState < 2) return;
    if (waiting.length >= IN_FLIGHT) return;
    const frame = grab();
    waiting.push(frame);
    const to = socket;
    frame.toBlob((jpeg) => { if (to.readyState === WebSocket.OPEN) to.send(jpeg); }, "image/jpeg", 0.85);
  }

  async function receive(data) {
    if (typeof data === "string") {
      refusal = JSON.parse(data).error;
      return;
    }
    const frame = waiting.shift();
    fill();
    const mine = run;
    const painting = await createImageBitmap(data);
    if (!frame || mine !== run) return;
    show(frame, painting);
    count();
  }

  function show(frame, painting) {
    const target = canvas();
    const beside = settings.split ? 2 : 1;
    const [width, height] = [beside * frame.width, frame.height];
    if (target.width !== width) target.width = width;
    if (target.height !== height) target.height = height;
    document.getElementById("live-hint").hidden = true;
    const context = target.getContext("2d");
    if (settings.split) context.drawImage(frame, 0, 0);
    context.drawImage(painting, (beside - 1) * frame.width, 0);
  }

  function count() {
    const now = performance.now();
    times = [...times, now].slice(-RECENT);
    if (times.length < 2 || now - said < 1000) return; // once a second, which can be read aloud
    said = now;
    const rate = 1000 * (times.length - 1) / (times[times.length - 1] - times[0]);
    say(`${rate.toFixed(1)} frames per second`);
  }

  return { start, stop, set };
})();
