//! A terminal as a person has it: a shell in tmux, whose keys are pressed and whose screen is read.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::wait;

/// What the shell says when it waits for a command.
pub const PROMPT: &str = "ready>";

/// A tmux server of our own with one shell in it. It ends when this is dropped.
#[derive(Debug)]
pub struct Tmux {
    socket: String,
}

impl Tmux {
    /// Starts a shell in a terminal of that size.
    pub fn start(columns: u16, lines: u16) -> Self {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        // Relaxed: only that no two are the same matters.
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let tmux = Self { socket: format!("tachograph-{}-{number}", std::process::id()) };
        let (columns, lines) = (columns.to_string(), lines.to_string());
        let shell = format!("env -u NO_COLOR -u TACHOGRAPH_TOKEN PS1='{PROMPT} ' bash --norc --noprofile");
        tmux.run(&["-f", "/dev/null", "new-session", "-d", "-x", &columns, "-y", &lines, &shell]);
        tmux.wait_for("a shell", |screen| screen.starts_with(PROMPT));
        tmux
    }

    fn run(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("tmux");
        // In a locale whose letters are ASCII it would replace all others.
        command.args(["-u", "-L", &self.socket]).args(arguments).env("LC_ALL", "C.UTF-8");
        let output = command.output().unwrap_or_else(|error| panic!("cannot start tmux: {error}; ci/system.sh installs it"));
        assert!(output.status.success(), "tmux {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("tmux writes UTF-8")
    }

    /// Presses keys by their names.
    pub fn press(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
    }

    /// Types a text letter by letter.
    pub fn type_in(&self, text: &str) {
        self.run(&["send-keys", "-l", text]);
    }

    /// Blanks the shell's screen: nothing of before is taken for what comes.
    #[track_caller]
    pub fn clear(&self) {
        self.command("clear");
        self.wait_for("a blank screen", |screen| screen.trim_end() == PROMPT);
    }

    /// Types a command and runs it.
    pub fn command(&self, command: &str) {
        self.type_in(command);
        self.press(&["Enter"]);
    }

    /// Writes to the terminal, as any program may, past the one that has it.
    pub fn write_over(&self, text: &str) {
        let terminal = self.run(&["display-message", "-p", "#{pane_tty}"]);
        std::fs::write(terminal.trim_end(), text).expect("the terminal of a pane can be written to");
    }

    /// The screen as text.
    pub fn screen(&self) -> String {
        self.run(&["capture-pane", "-p"])
    }

    /// The screen with the escapes that paint it.
    pub fn painted(&self) -> String {
        self.run(&["capture-pane", "-p", "-e"])
    }

    /// How the terminal is set, as the shell tells that has it.
    #[track_caller]
    pub fn settings(&self) -> String {
        self.clear();
        // Blanked again, so that the command itself is none of what is told.
        self.command("clear; stty -g; echo told");
        let screen = self.wait_for("the settings", |screen| screen.contains("\ntold\n") && screen.trim_end().ends_with(PROMPT));
        // In lines as long as the terminal is wide, which is told to it a moment after it was resized.
        let (settings, _) = screen.split_once("told").expect("it was waited for");
        assert!(settings.contains(':'), "{screen}");
        settings.split_whitespace().collect()
    }

    /// Makes the terminal another size.
    pub fn resize(&self, columns: u16, lines: u16) {
        self.run(&["resize-window", "-x", &columns.to_string(), "-y", &lines.to_string()]);
    }

    /// Whether a program has the whole screen, whether the cursor is seen, and the title.
    pub fn state(&self) -> (bool, bool, String) {
        let told = self.run(&["display-message", "-p", "#{alternate_on} #{cursor_flag} #{pane_title}"]);
        let mut parts = told.trim_end().splitn(3, ' ');
        let mut flag = || parts.next() == Some("1");
        let (whole, cursor) = (flag(), flag());
        (whole, cursor, parts.next().unwrap_or_default().to_owned())
    }

    /// Waits until the screen is as wanted, and returns it.
    #[track_caller]
    pub fn wait_for(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        wait::until(what, wait::LIMIT, || {
            let screen = self.screen();
            if wanted(&screen) { Ok(screen) } else { Err(format!("the screen is\n{screen}")) }
        })
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _ = Command::new("tmux").args(["-L", &self.socket, "kill-server"]).output();
    }
}
