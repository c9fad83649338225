// Zoom, search and keys for a flame graph that is whole without them. The standalone document has it in itself; a page that
// shows the same frames calls `tachographFlame` on their <svg>. All that it knows about a frame it reads from the drawing.
"use strict";
globalThis.tachographFlame = (() => {
    const SVG = "http://www.w3.org/2000/svg";
    const HTML = "http://www.w3.org/1999/xhtml";
    const TOOLS_HEIGHT = 40;
    const ZOOM_MS = 220;
    const LABEL_MARGIN = 10;
    // In pixels: an edge would be all that is seen of a frame.
    const THIN = 3;
    // What is narrower than this part of the view is no part of it.
    const LEAST = 1e-5;
    const HINTS = ["Click a frame to zoom in, Escape goes back", "/ searches, the arrow keys move, Enter zooms"];
    // The frames' and the lines' part of the whole width.
    const BREADTH = 0.96;

    function make(space, name, attributes = {}, children = []) {
        const element = document.createElementNS(space, name);
        for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
        element.append(...children);
        return element;
    }

    // The frames in their order, each before its children, with places as shares of the whole.
    function read(tree) {
        const above = [];
        return [...tree.querySelectorAll("[role=treeitem]")].map((element, index) => {
            const share = (name) => parseFloat(element.getAttribute(name)) / 100;
            const [name, ...numbers] = element.querySelector("title").textContent.split("\n");
            const level = Number(element.getAttribute("aria-level"));
            const left = share("x");
            above.length = level - 1;
            const parent = above.at(-1);
            const frame = { element, index, name, numbers, level, parent, left, right: left + share("width") };
            above.push(frame);
            return frame;
        });
    }

    // How many columns of a fixed-width font a character takes, near enough: the frame cuts off what is wider.
    const columns = (character) => (character.codePointAt(0) < 0x1100 ? 1 : 2);

    function shortened(name, room) {
        const characters = [...name];
        let used = characters.reduce((sum, character) => sum + columns(character), 0);
        if (used <= room) return name;
        while (characters.length && used > room - 1) used -= columns(characters.pop());
        return characters.length > 1 ? characters.join("") + "…" : "";
    }

    // What a search text asks of a name, or nothing if it is no regular expression.
    function pattern(text) {
        const regular = /^\/(.+)\/$/s.exec(text);
        if (!regular) {
            const wanted = text.toLowerCase();
            return (name) => name.toLowerCase().includes(wanted);
        }
        try {
            const expression = new RegExp(regular[1], "iu");
            return (name) => expression.test(name);
        } catch {
            return null;
        }
    }

    return function flame(svg) {
        const tree = svg.querySelector(".frames");
        if (!tree || svg.querySelector("foreignObject")) return;
        const frames = read(tree);
        const [root] = frames;
        const byElement = new Map(frames.map((frame) => [frame.element, frame]));
        const details = [...svg.querySelectorAll(".detail")];
        const texts = [...svg.querySelectorAll(".title, .note, .lost, .detail")];
        const lines = new Map(texts.map((line) => [line, line.textContent]));
        const calm = matchMedia("(prefers-reduced-motion: reduce)");
        let zoomed = root;
        let current = root;
        let view = [0, 1];
        let animation = 0;
        let width = 0;
        let columnWidth = 7.2;

        const input = make(HTML, "input", {
            type: "search", placeholder: "Search, or /regexp/", "aria-label": "Search frames",
            autocomplete: "off", spellcheck: "false",
        });
        const back = make(HTML, "button", { type: "button" }, ["Zoom out"]);
        const found = make(HTML, "output", { role: "status" });
        const tools = make(SVG, "foreignObject", { x: "2%", width: "96%", height: TOOLS_HEIGHT }, [
            make(HTML, "div", { class: "tachograph-flame-tools" }, [input, back, found]),
        ]);

        function insertTools() {
            const body = svg.querySelector(".body");
            const top = body.transform.baseVal.getItem(0).matrix.f;
            tools.setAttribute("y", top - 4);
            body.setAttribute("transform", `translate(0 ${top + TOOLS_HEIGHT})`);
            svg.setAttribute("height", Number(svg.getAttribute("height")) + TOOLS_HEIGHT);
            body.before(tools);
        }

        // A line of text as long as there is room.
        function fit(line) {
            const text = lines.get(line);
            const room = width - Number(line.getAttribute("dx"));
            line.textContent = text;
            if (line.getComputedTextLength() <= room) return;
            let [fits, over] = [0, text.length];
            while (over - fits > 1) {
                const middle = (fits + over) >> 1;
                if (line.getSubStringLength(0, middle) <= room - 14) fits = middle;
                else over = middle;
            }
            line.textContent = text.slice(0, fits).replace(/[\ud800-\udbff]$/, "") + "…";
        }

        function label(frame, pixels) {
            frame.element.classList.toggle("thin", pixels < THIN);
            let text = frame.element.querySelector("text");
            const words = shortened(frame.name, Math.floor((pixels - LABEL_MARGIN) / columnWidth));
            if (!text && words) text = frame.element.appendChild(make(SVG, "text", { x: 5, y: 16 }));
            if (text && text.textContent !== words) text.textContent = words;
        }

        // Shows the part of the whole that is in view. What stands above it becomes as wide as the view by being cut off there.
        function draw() {
            const [begin, end] = view;
            for (const frame of frames) {
                const left = Math.max(0, (frame.left - begin) / (end - begin));
                const right = Math.min(1, (frame.right - begin) / (end - begin));
                // By the arithmetic of fractions a neighbour may seem to reach into the view.
                if (right - left < LEAST) {
                    frame.element.setAttribute("display", "none");
                    continue;
                }
                frame.element.removeAttribute("display");
                frame.element.setAttribute("x", `${left * 100}%`);
                frame.element.setAttribute("width", `${(right - left) * 100}%`);
                label(frame, (right - left) * width);
            }
        }

        function zoom(frame) {
            zoomed.element.removeAttribute("aria-current");
            zoomed = frame;
            if (frame !== root) frame.element.setAttribute("aria-current", "true");
            const above = new Set();
            for (let one = frame.parent; one; one = one.parent) above.add(one);
            for (const one of frames) one.element.classList.toggle("above", above.has(one));
            back.disabled = frame === root;
            const [from, to, start] = [view, [frame.left, frame.right], performance.now()];
            cancelAnimationFrame(animation);
            const step = (now) => {
                const time = calm.matches ? 1 : Math.min(1, Math.max(0, (now - start) / ZOOM_MS));
                const eased = 1 - (1 - time) ** 3;
                view = time === 1 ? to : from.map((edge, index) => edge + (to[index] - edge) * eased);
                draw();
                if (time < 1) animation = requestAnimationFrame(step);
            };
            step(start);
            rove(frame);
        }

        function tell(frame) {
            const words = frame ? [frame.name, ...frame.numbers] : HINTS;
            details.forEach((line, index) => {
                lines.set(line, words[index] ?? "");
                fit(line);
            });
        }

        // One frame at a time is in the page's order of Tab stops, the one that was last gone to.
        function rove(frame) {
            current.element.setAttribute("tabindex", "-1");
            frame.element.setAttribute("tabindex", "0");
            current = frame;
        }

        function focus(frame) {
            if (!frame) return;
            rove(frame);
            frame.element.focus();
        }

        // Whether a frame is shown when the zoom has come to its end.
        function stays(frame) {
            const common = Math.min(frame.right, zoomed.right) - Math.max(frame.left, zoomed.left);
            return common >= LEAST * (zoomed.right - zoomed.left);
        }

        function neighbour(frame, step) {
            for (let index = frame.index + step; frames[index]; index += step) {
                if (frames[index].level === frame.level && stays(frames[index])) return frames[index];
            }
        }

        const moves = {
            ArrowUp: (frame) => frame.parent,
            ArrowDown: (frame) => frames.find((child) => child.parent === frame && stays(child)),
            ArrowLeft: (frame) => neighbour(frame, -1),
            ArrowRight: (frame) => neighbour(frame, 1),
            Home: () => root,
        };

        function search(text) {
            const matches = text ? pattern(text) : () => false;
            // A frame below one that is counted is a part of it.
            let [count, share, counted] = [0, 0, 0];
            for (const frame of frames) {
                const match = matches !== null && matches(frame.name);
                frame.element.classList.toggle("found", match);
                if (!match) continue;
                count += 1;
                if (frame.left >= counted) {
                    share += frame.right - frame.left;
                    counted = frame.right - 1e-9;
                }
            }
            if (!text) found.textContent = "";
            else if (matches === null) found.textContent = "not a regular expression";
            else if (count === 0) found.textContent = "no frame";
            else found.textContent = `${(share * 100).toFixed(2)} % in ${count} ${count === 1 ? "frame" : "frames"}`;
        }

        const frameOf = (event) => byElement.get(event.target.closest("[role=treeitem]"));

        svg.addEventListener("click", (event) => {
            const frame = frameOf(event);
            if (!frame) return;
            focus(frame);
            zoom(frame);
        });
        svg.addEventListener("pointerover", (event) => tell(frameOf(event) ?? (zoomed === root ? null : zoomed)));
        svg.addEventListener("focusin", (event) => {
            if (frameOf(event)) tell(frameOf(event));
        });
        svg.addEventListener("keydown", (event) => {
            const frame = frameOf(event);
            const command = event.ctrlKey || event.metaKey;
            const typing = event.target === input;
            if (event.key === "Escape") {
                if (input.value) search((input.value = ""));
                else zoom(root);
                if (typing) focus(current);
            } else if ((event.key === "/" && !typing && !command && !event.altKey) || (command && event.key === "f")) {
                input.focus();
                input.select();
            } else if (command || event.altKey || typing || event.target === back) {
                return;
            } else if (moves[event.key]) {
                focus(frame ? moves[event.key](frame) : current);
            } else if (frame && (event.key === "Enter" || event.key === " ")) {
                zoom(frame);
            } else {
                return;
            }
            event.preventDefault();
        });
        input.addEventListener("input", () => search(input.value));
        back.addEventListener("click", () => zoom(root));

        function measure() {
            width = svg.getBoundingClientRect().width * BREADTH;
            const sample = tree.appendChild(make(SVG, "text", {}, ["0".repeat(100)]));
            columnWidth = sample.getComputedTextLength() / 100 || columnWidth;
            sample.remove();
            for (const line of lines.keys()) fit(line);
            draw();
        }

        insertTools();
        for (const frame of frames) frame.element.setAttribute("tabindex", "-1");
        measure();
        tell(null);
        zoom(root);
        new ResizeObserver(measure).observe(svg);
    };
})();
if (document.documentElement.localName === "svg") globalThis.tachographFlame(document.documentElement);
