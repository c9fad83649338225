//! A network of one's own, and a server of names in it.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Says to a test that it runs in the network of its own.
const INSIDE: &str = "MONITORING_TEST_INSIDE";

/// Runs the test of that name again, in a network where nothing is but loopback and names are asked of 127.0.0.1, and returns
/// `false` when it has passed there; `true` when this is there. Who is not root is root in there.
pub fn in_a_network_of_its_own(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let resolver = folder.path().join("resolv.conf");
    std::fs::write(&resolver, "nameserver 127.0.0.1\noptions attempts:1 timeout:2\n").expect("a file in it");
    let own = std::env::current_exe().expect("a test knows its program");
    let script = format!(
        "ip link set lo up && mount --bind '{}' /etc/resolv.conf && exec '{}' --exact {test} --nocapture",
        resolver.display(),
        own.display()
    );
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "--net", "sh", "-c", &script]).env(INSIDE, "yes");
    let output = command.output().unwrap_or_else(|error| panic!("cannot start unshare: {error}; package util-linux has it"));
    let [said, complained] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success(), "in a network of its own:\n{said}\n{complained}");
    assert!(said.contains("1 passed"), "no test is called {test}:\n{said}");
    false
}

/// Names and their addresses.
type Addresses = BTreeMap<String, Vec<Ipv4Addr>>;

/// A server of names at 127.0.0.1:53, for as long as the process lives.
#[derive(Clone, Debug)]
pub struct Names {
    addresses: Arc<Mutex<Addresses>>,
}

impl Names {
    /// Listens.
    pub fn start() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53)).expect("port 53 of a network of one's own");
        let names = Self { addresses: Arc::default() };
        let known = names.clone();
        thread::spawn(move || {
            let mut query = [0; 512];
            while let Ok((length, client)) = socket.recv_from(&mut query) {
                if let Some(answer) = known.answer(&query[..length]) {
                    socket.send_to(&answer, client).expect("a client of the same machine");
                }
            }
        });
        names
    }

    /// Gives a name these addresses, and no others.
    pub fn set(&self, name: &str, addresses: &[Ipv4Addr]) {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), addresses.to_vec());
    }

    /// Answers one question of RFC 1035 for an address; `None` for what is no question.
    fn answer(&self, query: &[u8]) -> Option<Vec<u8>> {
        let mut name = Vec::new();
        let mut at = 12;
        loop {
            let length = usize::from(*query.get(at)?);
            at += 1;
            if length == 0 {
                break;
            }
            name.push(std::str::from_utf8(query.get(at..at + length)?).ok()?);
            at += length;
        }
        // Type and class stand behind the name; type 1 is an IPv4 address.
        let question = query.get(12..at + 4)?;
        let wanted = query.get(at..at + 2)? == [0, 1];
        let known = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let addresses = known.get(&name.join(".")).cloned();
        // An answer, recursion available; 3 is that there is no such name.
        let mut answer = vec![query[0], query[1], 0x81, if addresses.is_some() { 0x80 } else { 0x83 }];
        let addresses = addresses.filter(|_| wanted).unwrap_or_default();
        answer.extend([0, 1, 0, u8::try_from(addresses.len()).ok()?, 0, 0, 0, 0]);
        answer.extend(question);
        for address in addresses {
            // The name of the question, an address of the Internet, for no second longer, in four bytes.
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
            answer.extend(address.octets());
        }
        Some(answer)
    }
}
