//! The page at `/`: a table of the last snapshot, without scripts, that a browser reloads by itself.

use std::fmt::Write;

use tachograph::Registry;
use tachograph::server::{self, Response, StatusCode};

const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
<meta http-equiv=\"refresh\" content=\"2\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
<meta name=\"color-scheme\" content=\"light dark\">\n<title>Tachograph</title>\n\
<style>body{font:14px system-ui;margin:2em}td{padding:0 1em 0 0}td:last-child{text-align:right;font-variant-numeric:tabular-nums}</style>\n\
<h1>Tachograph</h1>\n<p><a href=\"/metrics\">metrics</a> <a href=\"/health\">health</a> <a href=\"/scenes\">scenes</a></p>\n";

/// Answers with the table. It shows the last snapshot that was taken anyway, and takes none itself.
pub(crate) async fn page(registry: Registry) -> Response {
    let page = tokio::task::spawn_blocking(move || match registry.last_snapshot() {
        Some(snapshot) => render(snapshot.text()),
        None => format!("{HEAD}<p>The first snapshot is still to come.</p>\n"),
    });
    match page.await {
        Ok(page) => {
            let mut response = server::plain(StatusCode::OK, "text/html; charset=utf-8", page);
            let policy = server::header::HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");
            response.headers_mut().insert(server::header::CONTENT_SECURITY_POLICY, policy);
            response
        }
        Err(cause) => {
            tracing::error!(%cause, "the page could not be made");
            server::error(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be made")
        }
    }
}

/// Makes a row of every sample that is no bucket and not 0: what has happened, in the order of the metrics.
fn render(text: &str) -> String {
    let mut page = format!("{HEAD}<table>\n");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        // A label value may hold spaces, but the value after the last one is a number.
        let Some((series, value)) = line.rsplit_once(' ') else { continue };
        let name = series.split('{').next().unwrap_or(series);
        if name.ends_with("_bucket") || value == "0" || value == "NaN" {
            continue;
        }
        let (series, value) = (escape(series), escape(value));
        writeln!(page, "<tr><td>{series}</td><td>{value}</td></tr>").expect("writing to a string cannot fail");
    }
    page.push_str("</table>\n");
    page
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_for_each_sample_that_tells_something() {
        let text = "# HELP a A.\n# TYPE a counter\na{l=\"<b> &\"} 3\na{l=\"zero\"} 0\nh_bucket{le=\"1\"} 2\nh_count 2\nq NaN\n";
        let page = render(text);
        let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("<tr>")).collect();
        assert_eq!(
            rows,
            ["<tr><td>a{l=&quot;&lt;b&gt; &amp;&quot;}</td><td>3</td></tr>", "<tr><td>h_count</td><td>2</td></tr>",]
        );
    }
}
