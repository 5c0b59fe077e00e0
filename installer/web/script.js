/* SPDX-License-Identifier: MIT */
/*
 * What pages do better with JavaScript: they show how far an installation is, and show a
 * refusal while the file is still being sent. Without it every form works as it is.
 */
"use strict";

const MIB = 1048576;

function show(form, kind, text) {
	const line = document.createElement("p");
	const word = document.createElement("strong");

	line.className = "message " + kind;
	line.setAttribute("role", kind === "error" ? "alert" : "status");
	word.textContent = kind[0].toUpperCase() + kind.slice(1);
	line.append(word, " " + text);
	document.getElementById("messages").append(line);
	line.scrollIntoView({block: "nearest"});
}

function bytes(count) {
	return count < MIB ? (count / 1024).toFixed(0) + " KiB" : (count / MIB).toFixed(1) + " MiB";
}

/* Between two requests of one form, its id says which result belongs to it. */
function newId(form) {
	const random = crypto.getRandomValues(new Uint8Array(16));

	form.elements.id.value = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

class Progress {
	constructor(form) {
		this.box = form.querySelector(".progress");
		this.bar = this.box.querySelector("progress");
		this.text = this.box.querySelector("output");
		this.box.hidden = false;
		this.bar.removeAttribute("value");
		this.text.textContent = "Waiting for the device ...";
	}

	set(done, total, what) {
		this.bar.value = total ? 100 * done / total : 0;
		this.text.textContent = total ? `${what} ${bytes(done)} of ${bytes(total)}` : what;
	}

	end() {
		this.box.hidden = true;
	}
}

/* One request at a time: a device that is down answers none, and a browser has few. */
async function get(query) {
	const answer = await fetch(query, {cache: "no-store", signal: AbortSignal.timeout(4000)})
		.catch(() => null);

	return answer && answer.ok ? answer : null;
}

async function ask(id) {
	const answer = await get("?progress=" + id);

	return answer && answer.json().catch(() => null);
}

function pause(ms) {
	return new Promise((done) => setTimeout(done, ms));
}

function finish(form, progress, state) {
	progress.end();
	form.querySelector("button").disabled = false;
	for (const message of state.messages)
		show(form, message.kind, message.text);
	form.dataset.ended = state.state;
	newId(form);
}

function submit(event) {
	const form = event.target;
	const id = form.elements.id.value;
	const request = new XMLHttpRequest();
	const progress = new Progress(form);
	const what = form.dataset.action === "upload" ? "Sent" : "Received";
	let ended = false;

	event.preventDefault();
	document.getElementById("messages").replaceChildren();
	delete form.dataset.ended;
	const data = new FormData(form);
	form.querySelector("button").disabled = true;
	request.open("POST", location.pathname);
	if (what === "Sent")
		request.upload.onprogress = (sent) => progress.set(sent.loaded, sent.total, what);

	/* A refusal is there before the browser has sent all of the file. */
	(async () => {
		while (!ended) {
			await pause(700);
			const state = ended ? null : await ask(id);

			if (!state || ended)
				continue;
			if (state.state === "running" && state.total_bytes)
				progress.set(state.done_bytes, state.total_bytes,
					what === "Sent" ? "Verified" : what);
			if (state.state !== "failed")
				continue;
			ended = true;
			request.abort();
			finish(form, progress, state);
		}
	})();

	request.onload = () => {
		if (ended)
			return;
		ended = true;
		if (request.status === 200 && request.responseURL.includes("result=")) {
			location.href = request.responseURL;
			return;
		}
		const page = new DOMParser().parseFromString(request.responseText, "text/html");
		const messages = Array.from(page.querySelectorAll("#messages .message"), (line) => {
			const word = line.querySelector("strong").textContent;

			return {kind: word.toLowerCase(), text: line.textContent.slice(word.length).trim()};
		});

		finish(form, progress, {
			state: "failed",
			messages: messages.length ? messages
				: [{kind: "error", text: "The web server answered " + request.status + "."}],
		});
	};
	request.onerror = async () => {
		if (ended)
			return;
		ended = true;
		const state = await ask(id);

		finish(form, progress, state && state.state === "failed" ? state : {
			state: "failed",
			messages: [{kind: "error", text: "The connection to the device was lost."}],
		});
	};
	request.send(data);
}

function drop(field, event) {
	event.preventDefault();
	field.classList.toggle("over", event.type === "dragover");
	if (event.type === "drop")
		field.querySelector("input").files = event.dataTransfer.files;
}

/* When the device is back, so is its page. */
async function waitForDevice() {
	let gone = false;

	for (;;) {
		await pause(2000);
		if (!await get("?page=packages"))
			gone = true;
		else if (gone)
			break;
	}
	location.href = "?page=packages";
}

for (const form of document.querySelectorAll("form"))
	if (form.querySelector(".progress"))
		form.addEventListener("submit", submit);
for (const field of document.querySelectorAll(".drop"))
	for (const type of ["dragover", "dragleave", "drop"])
		field.addEventListener(type, (event) => drop(field, event));
if (document.querySelector("[data-wait]"))
	waitForDevice();
