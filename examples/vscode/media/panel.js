// The panel: shows entries as text, never as HTML, and hands over what the user types.
const vscode = acquireVsCodeApi();
const entries = document.getElementById("entries");
const form = document.querySelector("form");
const text = document.querySelector("textarea");
const stop = document.getElementById("stop");

window.addEventListener("message", ({ data }) => {
  if (data.type === "clear") entries.replaceChildren();
  if (data.type === "busy") stop.hidden = !data.running;
  if (data.type !== "entry") return;
  let element = document.getElementById(data.entry.id);
  if (!element) {
    element = document.createElement("div");
    element.id = data.entry.id;
    entries.append(element);
  }
  element.className = `entry ${data.entry.kind}`;
  element.textContent = data.entry.text;
  element.scrollIntoView({ block: "end" });
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (text.value.trim()) vscode.postMessage({ type: "send", text: text.value });
  text.value = "";
});
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});
stop.addEventListener("click", () => vscode.postMessage({ type: "interrupt" }));
vscode.postMessage({ type: "ready" });
