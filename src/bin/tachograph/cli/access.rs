//! The options of `serve` that say who is let in.

use std::path::PathBuf;

use clap::Args;

/// Who is let in, and how often others may try.
#[derive(Debug, Args)]
pub(crate) struct AccessOptions {
    /// Bearer token for POST /scene, /demo/*, /debug/* and what the health checks say
    ///
    /// Letters, digits and -._~+/= only. May be repeated: each is as good as the others. Other users of the machine can see the
    /// command line, so the variable or --token-file is the better place. Without any of them a random token is made and
    /// printed on standard error.
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true, env = "TACHOGRAPH_TOKEN", hide_env_values = true)]
    pub(crate) token: Vec<String>,

    /// File of bearer tokens beside that, one a line; # begins a remark
    ///
    /// SIGHUP has it read again, so that tokens can be changed without a restart: write the new one beside the old one, change
    /// the clients over, take the old one out. If it cannot be read, the tokens stay as they are.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,

    /// Serve on other addresses than loopback with a random token too, which standard error tells
    #[arg(long)]
    pub(crate) allow_random_token: bool,

    #[command(flatten)]
    pub(crate) guesses: GuessOptions,

    /// PEM file of the certificate to speak TLS with, followed by those that lead from it to an authority
    ///
    /// SIGHUP has it and its key read again; if they cannot be used, the old ones stay. Connections that are open keep theirs.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// PEM file of the certificate's key
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Tell browsers that for so many seconds this host is to be reached by TLS alone, on all of its ports; 0 tells nothing
    #[arg(long, value_name = "SECONDS", default_value_t = 0, requires = "tls_cert")]
    pub(crate) hsts: u64,
}

/// Who guesses, and how often that is borne.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct GuessOptions {
    /// Wrong tokens a minute that an address may send, before all its tokens are answered 429 for the rest of the minute; 0 is
    /// no limit
    ///
    /// An IPv6 address counts as its network of 64 bits.
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub(crate) auth_failures: u32,

    /// Take the client's address from the last entry of X-Forwarded-For; only behind a proxy that sets it
    #[arg(long)]
    pub(crate) trust_forwarded_for: bool,
}
