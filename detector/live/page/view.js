"use strict";
// Asks for the next frame when the last one is drawn: a slow page sees fewer frames, never old ones.
const place = id => document.getElementById(id);
const limits = [], paths = new Map(), REMEMBERED = 100;  // frames of a track
let about, last = null, number = 0, paused = false, steps = 0, wake = () => {}, latency = 0;

function figure(name, value) {
    let cell = document.querySelector(`dd[data-name="${name}"]`);
    if (!cell) {
        const title = document.createElement("dt");
        title.textContent = name;
        cell = document.createElement("dd");
        cell.dataset.name = name;
        place("figures").append(title, cell);
    }
    cell.textContent = value;
}

function slider(kind, label) {
    const row = document.createElement("label"), value = document.createElement("span");
    const input = document.createElement("input");
    Object.assign(input, {type: "range", min: about.floor, max: 1, step: 0.01});
    input.value = limits[label] = kind.threshold;
    const say = () => { value.textContent = ` ${limits[label].toFixed(2)}`; };
    input.addEventListener("input", () => { limits[label] = Number(input.value); say(); draw(); });
    say();
    const title = document.createElement("span");
    title.textContent = kind.name;
    title.style.color = kind.colour;
    row.append(title, value, input);
    place("sliders").append(row);
}

// Where the objects with a number stood in the last frames: the middle of the lower edge of their boxes.
function follow({number, objects}) {
    for (const {track, box: [left, , right, bottom]} of objects) {
        if (track === null) continue;
        if (!paths.has(track)) paths.set(track, []);
        paths.get(track).push({number, x: (left + right) / 2, y: bottom});
    }
    for (const [track, path] of paths) {
        while (path.length && path[0].number <= number - REMEMBERED) path.shift();
        if (!path.length) paths.delete(track);
    }
}

function draw() {
    if (!last) return;
    const [width, height] = last.size, canvas = place("view"), scale = Math.max(1, Math.round(960 / width));
    if (canvas.width !== width * scale || canvas.height !== height * scale) {
        canvas.width = width * scale;
        canvas.height = height * scale;
    }
    const pen = canvas.getContext("2d");
    pen.drawImage(last.image, 0, 0, canvas.width, canvas.height);
    pen.lineWidth = 2;
    pen.font = "15px system-ui, sans-serif";
    pen.textBaseline = "top";
    const found = last.objects.filter(object => object.score >= limits[object.class]);
    for (const {box, class: label, score, track, celsius} of found) {
        const [left, top, right, bottom] = box.map(side => side * scale), {name, colour} = about.classes[label];
        pen.strokeStyle = colour;
        pen.strokeRect(left - 1, top - 1, right - left + 2, bottom - top + 2);
        pen.beginPath();
        for (const {x, y} of paths.get(track) ?? []) pen.lineTo(x * scale, y * scale);
        pen.stroke();
        const numbered = track === null ? name : `${name} #${track}`;
        const text = `${numbered} ${Math.round(100 * score)}%` + (celsius ? ` ${celsius[1].toFixed(1)} °C` : "");
        const long = pen.measureText(text).width + 6, x = Math.max(0, Math.min(left - 2, canvas.width - long));
        const y = top >= 22 ? top - 22 : Math.min(bottom + 2, canvas.height - 20);
        pen.fillStyle = colour;
        pen.fillRect(x, y, long, 20);
        pen.fillStyle = "#000";
        pen.fillText(text, x + 3, y + 3);
    }
    figure("objects", found.length);
    figure("frames/s", last.rate.toFixed(1));
    figure("latency", `${Math.round(1000 * latency)} ms`);
    figure("frames", last.received);
    figure("dropped", last.dropped);
    figure("reconnected", last.reconnected);
}

async function next() {
    const answer = await fetch(`next?after=${number}`), begun = performance.now();
    if (answer.status === 204) { place("state").textContent = "no new frame"; return; }
    if (!answer.ok) throw new Error(answer.status);
    const fresh = await answer.json();
    if (paused && !steps) return;  // it came after the button
    steps = 0;
    fresh.image = new Image();
    fresh.image.src = fresh.picture;
    await fresh.image.decode();
    last = fresh;
    number = last.number;
    follow(last);
    draw();
    latency = Number(answer.headers.get("Frame-Age")) + (performance.now() - begun) / 1000;
    place("state").textContent = paused ? "paused" : "live";
}

async function run() {
    about = await (await fetch("about")).json();
    place("name").textContent = document.title = about.name;
    about.classes.forEach(slider);
    for (;;) {
        if (paused && !steps) await new Promise(resolve => { wake = resolve; });
        try {
            await next();
        } catch {
            place("state").textContent = "no connection";
            await new Promise(resolve => setTimeout(resolve, 1000));
        }
    }
}

place("pause").addEventListener("click", () => {
    paused = !paused;
    steps = 0;
    place("pause").textContent = paused ? "Go on" : "Pause";
    place("step").disabled = !paused;
    place("state").textContent = paused ? "paused" : "live";
    wake();
});
place("step").addEventListener("click", () => { steps = 1; wake(); });
run();
