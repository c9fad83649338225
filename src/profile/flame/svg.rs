//! The flame graph as one SVG document that a browser opens by itself.
//!
//! Frames, labels and numbers are drawn here, so that the document is whole without scripts; `svg/flame.js` adds zoom, search
//! and keys. The root is on top, as in an icicle: a page is read from its top, and there the root stays, next to the numbers,
//! however deep the frames below it go. Places are percents of the width and heights are pixels, so that the graph fits a
//! telephone and its letters keep their size. A nested `svg` for each frame cuts its label off where the frame ends.
//!
//! There are no `style` and no `on...` attributes, so that a page with a strict content security policy can show the same
//! frames: it cuts out the style and the script, which it brings itself, and calls `tachographFlame` on what is left.

mod compared;
mod layout;
mod words;

use std::fmt::{self, Display, Formatter};

use compared::SharePair;
use layout::{Layout, Place, WHOLE};
use words::{Duration, Escaped};

use super::{FlameGraph, Frame};

const SCRIPT: &str = include_str!("svg/flame.js");
const STYLE: &str = include_str!("svg/flame.css");

/// Pixels from one level to the next: the least height of what a finger is to hit (WCAG 2.2, target size).
const LEVEL: usize = 24;

/// Pixels from one line of text to the next.
const LINE: usize = 19;

/// So many warm colours the style has, `c0` and on.
const COLOURS: u32 = 12;

/// Over the colour of a frame that stands for unaccounted time.
const HATCH: &str = "<pattern id='tachograph-hatch' width='6' height='6' patternUnits='userSpaceOnUse' \
    patternTransform='rotate(45)'><path class='hatch' d='M1 0v6'/></pattern>";

/// For telephones, which take a page to be 980 pixels wide otherwise. An SVG document has no element of its own for it.
const VIEWPORT: &str = "<meta xmlns='http://www.w3.org/1999/xhtml' name='viewport' content='width=device-width'/>";

impl FlameGraph {
    /// Draws it as a standalone SVG document with its own style and script, which asks for nothing from outside.
    ///
    /// A click on a frame, or Enter, zooms in; Escape goes back. `/` searches. The arrow keys go from frame to frame. In a
    /// [comparison](Self::compared) a frame is red whose share of the whole grew, blue whose share shrank. The widest 2 000
    /// frames are drawn, and none under 0.01 % of the whole; how many are left out is said.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::profile::flame::FlameGraph;
    ///
    /// let svg = FlameGraph::of(&[]).svg("The last hour");
    /// assert!(svg.starts_with("<svg xmlns='http://www.w3.org/2000/svg'"));
    /// assert!(svg.contains(">no requests match</text>"));
    /// ```
    pub fn svg(&self, title: &str) -> String {
        Document { graph: self, layout: Layout::of(self), title }.to_string()
    }
}

struct Document<'a> {
    graph: &'a FlameGraph,
    layout: Layout<'a>,
    title: &'a str,
}

impl Display for Document<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (title, note) = (Escaped(self.title), self.note());
        let compared = self.graph.compared;
        let head = 2 * LINE + if compared { LEVEL } else { 0 } + 16;
        let details = if compared { 3 } else { 2 } * LINE + 10;
        let frames = self.layout.levels.max(1) * LEVEL;
        let height = head + details + frames + self.lost_lines() * LINE + 20;

        let class = "tachograph-flame";
        writeln!(f, "<svg xmlns='http://www.w3.org/2000/svg' class='{class}' width='100%' height='{height}'>")?;
        writeln!(f, "<title>{title}</title>\n{VIEWPORT}\n<style>{STYLE}</style>\n{HATCH}")?;
        writeln!(f, "<text class='title' x='2%' y='{}'>{title}</text>", LINE + 4)?;
        writeln!(f, "<text class='note' x='2%' y='{}'>{note}</text>", 2 * LINE + 4)?;
        if compared {
            compared::write_legend(f, 2 * LINE + 12)?;
        }
        // What is below the script's search line, which moves it down.
        writeln!(f, "<g class='body' transform='translate(0 {head})'>")?;
        for line in 1..=details / LINE {
            let hint = if line == 1 { "Point at a frame to see its numbers" } else { "" };
            writeln!(f, "<text class='detail' x='2%' y='{}'>{hint}</text>", line * LINE - 4)?;
        }
        if self.layout.places.is_empty() {
            writeln!(f, "<text class='none' x='2%' y='{}'>no requests match</text>", details + 16)?;
        } else {
            let tree = "role='tree' aria-label='Frames'";
            writeln!(f, "<svg class='frames' x='2%' width='96%' y='{details}' height='{frames}' {tree}>")?;
            self.layout.places.iter().try_for_each(|place| self.write_frame(f, place))?;
            writeln!(f, "</svg>")?;
        }
        self.write_lost(f, details + frames + 4)?;
        // The script holds no end of a CDATA section, which a test sees to.
        writeln!(f, "</g>\n<script><![CDATA[\n{SCRIPT}]]></script>\n</svg>")
    }
}

impl Document<'_> {
    fn note(&self) -> String {
        let root = &self.graph.root;
        let mut note = format!("total {}", Duration(root.total));
        if self.graph.compared {
            match root.total_before {
                0 => note += ", nothing to compare with: no requests match before",
                before => note += &format!(", before {}", Duration(before)),
            }
        }
        let plural = |count: usize| if count == 1 { "frame" } else { "frames" };
        let drawn = self.layout.places.len();
        note += &format!(" · {drawn} {}", plural(drawn));
        let left_out = self.layout.left_out;
        if left_out > 0 {
            note += &format!(" · {left_out} narrower {} left out", plural(left_out));
        }
        note
    }

    /// A frame's name is the first line of its `title`: screen readers have it from there, and the script.
    fn write_frame(&self, f: &mut Formatter<'_>, place: &Place<'_>) -> fmt::Result {
        let name = Escaped(&place.name);
        let (left, width) = (Percent(place.left), Percent(place.right - place.left));
        let (y, height, level) = (place.level * LEVEL, LEVEL - 1, place.level + 1);
        f.write_str("<svg class='")?;
        match self.graph.compared {
            true => self.shares(place.frame).write_class(f)?,
            false if place.unaccounted => f.write_str("u")?,
            false => write!(f, "c{}", fnv1a(&place.name) % COLOURS)?,
        }
        write!(f, "' x='{left}' y='{y}' width='{width}' height='{height}' role='treeitem' aria-level='{level}'>")?;
        write!(f, "<title>{name}\n{}</title><rect width='100%' height='100%'/>", self.numbers(place.frame))?;
        if place.unaccounted {
            f.write_str("<rect class='hatched' width='100%' height='100%'/>")?;
        }
        // No three letters fit into less on any screen.
        if place.right - place.left >= WHOLE / 50 {
            write!(f, "<text x='5' y='16'>{name}</text>")?;
        }
        f.write_str("</svg>\n")
    }

    fn shares(&self, frame: &Frame) -> SharePair {
        SharePair::of(frame, &self.graph.root)
    }

    fn numbers(&self, frame: &Frame) -> String {
        let shares = self.shares(frame);
        let mut text = format!("total {}, {} · own {}", Duration(frame.total), shares.now, Duration(frame.own));
        if self.graph.compared {
            let (total, own, change) = (Duration(frame.total_before), Duration(frame.own_before), shares.change());
            text += &format!("\nbefore {total}, {} ({change}) · own {own}", shares.before);
        }
        text
    }
}

/// A place as an SVG length.
struct Percent(u32);

impl Display for Percent {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.0) * 100.0 / f64::from(WHOLE))
    }
}

/// The same name has the same colour in every graph, so the hash is one that stays as it is.
fn fnv1a(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests;
