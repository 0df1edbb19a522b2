// Two clips played in step: the second follows the first. Tells where it was stopped, or that it cannot be played.
const FAR_S = 0.12; // farther apart than this, the second one jumps
const NEAR_S = 0.015; // nearer than this, nothing is done

const clock = (time) => {
  const whole = Math.max(0, time || 0);
  return `${Math.floor(whole / 60)}:${(whole % 60).toFixed(2).padStart(5, "0")}`;
};

export default function ({ data, parentElement, setTriggerValue }) {
  const player = parentElement.querySelector(".player");
  const get = (name) => player.querySelector(name);
  const [one, two, seek, play, loop, sound] = [".one", ".two", ".seek", ".play", ".loop", ".sound"].map(get);
  const state = (player.__state ??= { playing: false, held: false, key: "" });
  const both = [one, two];
  get(".left").textContent = data.labels[0];
  get(".right").textContent = data.labels[1];
  get("p").textContent = data.note;
  player.style.maxWidth = `calc(62vh * ${2 * data.ratio})`; // it stays on the screen
  two.muted = true;
  one.muted = sound.getAttribute("aria-pressed") !== "true";

  const length = () => Math.min(one.duration || 0, two.duration || 0);
  const follow = () => {
    const apart = two.currentTime - one.currentTime;
    if (Math.abs(apart) > FAR_S) two.currentTime = one.currentTime;
    two.playbackRate = Math.abs(apart) > NEAR_S ? Math.min(Math.max(1 - apart * 2, 0.5), 1.5) : 1;
  };
  const show = () => {
    seek.max = length() || 1;
    seek.value = one.currentTime;
    get("output").textContent = `${clock(one.currentTime)} / ${clock(length())}`;
    play.textContent = state.playing ? "❚❚" : "▶";
    play.setAttribute("aria-label", state.playing ? "pause" : "play");
  };
  const tick = () => {
    if (!state.playing) return;
    if (one.ended || two.ended || one.currentTime >= length() - 0.001) return end();
    if (!state.held) follow();
    show();
    requestAnimationFrame(tick);
  };
  const start = () => {
    if (!length()) return;
    if (one.currentTime >= length() - 0.05) go(0);
    state.playing = true;
    resume();
    requestAnimationFrame(tick);
  };
  const resume = () => {
    if (!state.playing || both.some((video) => video.seeking || video.readyState < 3)) return hold();
    state.held = false;
    for (const video of both) if (video.paused) video.play().catch(() => stop());
  };
  const hold = () => {
    state.held = true; // until both have pictures
    for (const video of both) video.pause();
  };
  const stop = () => {
    if (!state.playing) return;
    state.playing = state.held = false;
    for (const video of both) video.pause();
    two.currentTime = one.currentTime;
    show();
    tell();
  };
  const end = () => {
    if (loop.getAttribute("aria-pressed") !== "true") return stop();
    go(0);
    resume();
    requestAnimationFrame(tick);
  };
  const go = (time) => {
    for (const video of both) video.currentTime = Math.min(Math.max(time, 0), length());
    show();
  };
  const tell = () => setTriggerValue("event", { time: one.currentTime });
  const step = (by) => {
    if (state.playing) stop();
    go((Math.floor(one.currentTime * data.rate + 0.01) + by + 0.5) / data.rate); // the middle of a frame
    clearTimeout(state.telling);
    state.telling = setTimeout(tell, 400);
  };

  play.onclick = () => (state.playing ? stop() : start());
  for (const video of both) {
    video.onclick = play.onclick;
    video.onwaiting = () => state.playing && hold();
    video.oncanplay = video.onseeked = () => (state.playing && state.held ? resume() : show());
    video.onerror = () => {
      if (!data.copied && !state.failed) setTriggerValue("event", { failed: true });
      else get("p").textContent = "The browser cannot play these: compare by frame.";
      state.failed = true;
    };
  }
  seek.oninput = () => {
    if (state.playing) hold();
    go(Number(seek.value));
  };
  seek.onchange = () => (state.playing ? resume() : tell());
  for (const button of [loop, sound])
    button.onclick = () => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      one.muted = sound.getAttribute("aria-pressed") !== "true";
    };
  player.onkeydown = (event) => {
    if (event.target === seek || (event.target.tagName === "BUTTON" && event.key === " ")) return;
    const act = { " ": play.onclick, ArrowLeft: () => step(-1), ArrowRight: () => step(1) }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };
  const key = data.left + " " + data.right;
  if (state.key !== key) {
    state.key = key;
    state.playing = state.held = state.failed = false;
    one.onloadedmetadata = two.onloadedmetadata = () => {
      if (length()) go(Math.min(data.start, length()));
    };
    one.src = data.left;
    two.src = data.right;
  }
  sound.hidden = !data.sound;
  show();
  return () =>
    setTimeout(() => {
      if (player.isConnected) return; // drawn again, not taken away
      state.playing = false;
      for (const video of both) video.pause();
    });
}
