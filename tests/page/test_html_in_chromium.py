"""The page as a browser shows it: quiet, within its width, legible in both schemes, and to be used without a mouse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources, util
from pathlib import Path
from typing import Any

import pytest

from harness.diagnosis.formats import html as diagnosis_page
from harness.model.records import Report
from harness.report.formats import html
from harness.runtimes.formats import html as runtimes_page
from tests.conftest import require
from tests.unit.diagnosis.test_summary import eight
from tests.unit.results import large_report, matrix_report, report_of, series_of, skipped_series
from tests.unit.runtimes.test_runtimes import report as answers

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--force-color-profile=srgb",
)
SIZES = ((390, 844), (1280, 900))
SCHEMES = ("light", "dark")
PAGES = ("every", "one", "none", "matrix", "large", "diagnosis", "runtimes")
PATIENCE_S = 300
"""Deadline of a script in the page: others may keep the machine busy."""
CONTRAST = 4.5
"""The contrast of text that WCAG 2 asks for at level AA."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """With a profile of its own, which ends with it."""
    require("chromium", "chromedriver")
    webdriver = pytest.importorskip("selenium.webdriver")
    profile = tmp_path_factory.mktemp("profile")
    options = webdriver.ChromeOptions()
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
    driver.set_script_timeout(PATIENCE_S)
    driver.command_executor.client_config.timeout = 2 * PATIENCE_S
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages to look at: one with all that there is, one of a single scenario, one with nothing, and two of several
    kernels side by side."""
    folder = tmp_path_factory.mktemp("pages")
    other = series_of("exit-flush-peer-outside", 50)
    other = replace(other, kernel=replace(other.kernel, release="5.10.0-32-amd64"), errors=("no mount",))
    long = "a-name-without-any-place-to-break-it-" * 6
    odd = series_of("healthy", 3)
    odd = replace(odd, about=replace(odd.about, name=long, why=long * 3), leftovers=(long,), note=long)
    every = report_of(
        series_of("exit-flush-self", 200), series_of("server-stopped"), other, odd, skipped_series("server-stopped")
    )
    (folder / "every.html").write_text(html.render(every))
    (folder / "one.html").write_text(html.render(report_of(series_of("exit-flush-self", 200))))
    (folder / "matrix.html").write_text(html.render(matrix_report()))
    (folder / "large.html").write_text(html.render(large_report(12)))
    few = replace(eight(), findings=eight().findings[:3])
    (folder / "diagnosis.html").write_text(diagnosis_page.render(few))
    (folder / "runtimes.html").write_text(runtimes_page.render(answers()))
    (folder / "none.html").write_text(html.render(Report("fusezap run", "1", "now", 0.0, (), ("nothing to run",))))
    return folder


def shown(browser: Any, file: Path, size: tuple[int, int] = (1280, 900), scheme: str = "light") -> Any:
    """The page at that size and in that scheme, with a log of its own."""
    features = [
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False},
    )
    for log in ("browser", "performance"):
        browser.get_log(log)
    browser.get(file.as_uri())
    return browser


def open_all(browser: Any) -> None:
    browser.execute_script("document.querySelectorAll('details').forEach(each => each.open = true)")


def press(browser: Any, key: str, code: int, modifiers: int = 0) -> None:
    for kind in ("rawKeyDown" if key == "Tab" else "keyDown", "keyUp"):
        event = {"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        if key == "Enter" and kind == "keyDown":
            event["text"] = "\r"
        browser.execute_cdp_cmd("Input.dispatchKeyEvent", event)


def tab(browser: Any) -> dict[str, Any]:
    """Goes on to the next element, and says what it is and how it shows that it has the focus."""
    press(browser, "Tab", 9)
    found: dict[str, Any] = browser.execute_script(
        """
        const it = document.activeElement, style = getComputedStyle(it), line = it.querySelector(":scope > .line");
        return {
          tag: it.tagName.toLowerCase(),
          kind: String(it.getAttribute("class") || ""),
          text: it.textContent.trim(),
          href: it.getAttribute("href"),
          outline: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
          line: line ? parseFloat(getComputedStyle(line).strokeWidth) : 0,
          caption: it.querySelector(".caption") ? getComputedStyle(it.querySelector(".caption")).visibility : null,
        };
        """
    )
    return found


def tabs(browser: Any, most: int = 200) -> list[dict[str, Any]]:
    """All that Tab comes to, until it leaves the page."""
    found = []
    for _ in range(most):
        found.append(tab(browser))
        if found[-1]["tag"] == "body":
            return found[:-1]
    raise AssertionError(f"no end after {most} elements")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", PAGES)
def test_it_is_quiet_and_fits(browser: Any, folder: Path, name: str, size: tuple[int, int], scheme: str) -> None:
    shown(browser, folder / f"{name}.html", size, scheme)
    open_all(browser)
    browser.execute_script("window.scrollTo(0, document.documentElement.scrollHeight)")
    wide, room = browser.execute_script(
        "const root = document.documentElement; return [root.scrollWidth, root.clientWidth]"
    )
    assert wide <= room <= size[0]
    assert browser.get_log("browser") == []
    background = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")


def test_it_asks_for_nothing_but_itself(browser: Any, folder: Path) -> None:
    file = folder / "every.html"
    shown(browser, file)
    open_all(browser)
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]


def test_its_policy_stops_what_is_not_its_own(browser: Any, folder: Path) -> None:
    """The policy is in force: what a name might smuggle in would not run."""
    shown(browser, folder / "one.html")
    browser.execute_script(
        """
        const script = document.createElement("script");
        script.textContent = "window.ran = true";
        document.body.append(script);
        """
    )
    assert browser.execute_script("return window.ran") is None
    assert "Content Security Policy" in browser.get_log("browser")[0]["message"]


def test_tab_comes_to_everything(browser: Any, folder: Path) -> None:
    shown(browser, folder / "every.html")
    reached = tabs(browser)
    assert reached[0]["text"] == "Skip to the results"
    assert [each for each in reached if each["outline"] < 2 and "edge" not in each["kind"]] == []
    hrefs = [each["href"] for each in reached if each["tag"] == "a"]
    assert "#exit-flush-self-6-18-44" in hrefs
    assert "#exit-flush-peer-outside-5-10-0-32-amd64" in hrefs
    texts = [each["text"] for each in reached if each["tag"] == "summary"]
    assert "What the kernel does, and where this was measured" in texts
    assert any(text.startswith("The graph in words: 4 nodes") for text in texts)
    edges = [each for each in reached if each["kind"].startswith("edge")]
    assert len(edges) == 4
    assert {(each["caption"], each["line"] >= 4) for each in edges} == {("visible", True)}
    assert any(each["kind"] == "copy" for each in reached)


def test_the_skip_link_is_seen_and_skips(browser: Any, folder: Path) -> None:
    shown(browser, folder / "every.html")
    tab(browser)
    where = browser.execute_script("return document.activeElement.getBoundingClientRect().left")
    assert where >= 0
    press(browser, "Enter", 13)
    assert browser.execute_script("return document.activeElement.tagName") == "MAIN"


def test_details_open_by_the_keyboard(browser: Any, folder: Path) -> None:
    shown(browser, folder / "every.html")
    while (reached := tab(browser))["tag"] != "summary" or reached["text"].startswith("Contents"):
        pass
    state = "return document.activeElement.parentElement.open"
    assert browser.execute_script(state) is False
    press(browser, "Enter", 13)
    assert browser.execute_script(state) is True


def test_a_link_of_the_table_leads_to_its_section(browser: Any, folder: Path) -> None:
    shown(browser, folder / "every.html")
    open_all(browser)
    browser.execute_script("document.querySelector('.overview tbody tr:nth-child(3) a').click()")
    top = browser.execute_script(
        "return document.getElementById('exit-flush-peer-outside-5-10-0-32-amd64').getBoundingClientRect().top"
    )
    assert -1 <= top < 100


def test_the_filter_and_the_order(browser: Any, folder: Path) -> None:
    shown(browser, folder / "every.html")
    rows = "return [...document.querySelectorAll('.overview tbody tr')].filter(row => !row.hidden).map(%s)"
    name = "row => row.cells[0].textContent"
    open_all(browser)
    browser.find_element("css selector", "input[type=search]").send_keys("starved 5.10")
    assert browser.execute_script(rows % name) == ["exit-flush-peer-outside"]
    shown(browser, folder / "every.html")
    open_all(browser)
    runs = "row => row.cells[5].textContent"
    (heading,) = browser.find_elements("xpath", "//th/button[contains(., 'Runs')]")
    heading.click()
    assert browser.execute_script(rows % runs) == ["0", "1", "3", "50", "200"]
    heading.click()
    assert browser.execute_script(rows % runs) == ["200", "50", "3", "1", "0"]
    assert browser.execute_script("return document.querySelectorAll('[aria-sort]').length") == 1


def seen(browser: Any, chosen: str) -> list[str]:
    """The texts of what is there and not hidden."""
    script = "return [...document.querySelectorAll(arguments[0])].filter(it => it.offsetParent).map(it => it.innerText)"
    texts: list[str] = browser.execute_script(script, chosen)
    return texts


@pytest.mark.parametrize("name", ["matrix", "large"])
def test_each_cell_leads_to_evidence_that_is_seen(browser: Any, folder: Path, name: str) -> None:
    """A part that names the cell's scenario, says what came out, and has come into view."""
    shown(browser, folder / f"{name}.html")
    places = browser.execute_script(
        "return [...document.querySelectorAll('.matrix td a')].map(it => [it.hash.slice(1), it.textContent])"
    )
    assert len(places) == (11 if name == "matrix" else 12 * 37)
    for number in range(0, len(places), 1 if name == "matrix" else 41):
        place, words = places[number]
        browser.execute_script("document.querySelectorAll('.matrix td a')[arguments[0]].click()", number)
        browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
        top, height, text, closed = browser.execute_script(
            """
            const it = document.getElementById(arguments[0]), box = it.getBoundingClientRect();
            const first = it.querySelector("details.example");
            return [box.top, box.height, it.innerText, Boolean(first && !first.open)];
            """,
            place,
        )
        assert -1 <= top < 850
        assert height > 40
        assert not closed
        assert words.split()[0].strip(",") in text.lower()


def test_the_matrix_scrolls_in_its_own_box(browser: Any, folder: Path) -> None:
    """A table that is scrolled keeps the names of the kernels above it, and of the scenarios next to it."""
    shown(browser, folder / "large.html", SIZES[0])
    box, head, row, corner = browser.execute_script(
        """
        const box = document.querySelector(".grid");
        box.scrollTo(600, 500);
        const at = it => { const where = it.getBoundingClientRect(); return [where.left, where.top]; };
        const rows = document.querySelectorAll(".matrix tr:not(.kind)");
        return [at(box), at(rows[0].cells[3]), at(rows[30].cells[0]), at(rows[0].cells[0])];
        """
    )
    assert head[1] == pytest.approx(box[1], abs=2)
    assert row[0] == pytest.approx(box[0], abs=2)
    assert corner == pytest.approx(box, abs=2)


def test_the_matrix_is_filtered_by_row_and_column(browser: Any, folder: Path) -> None:
    shown(browser, folder / "matrix.html")
    field = browser.find_element("css selector", "input[type=search]")
    field.send_keys("deb13 lost")
    assert seen(browser, ".matrix thead th") == ["Scenario", "6.12.43+deb13-amd64"]
    assert seen(browser, ".matrix tbody tr:not(.kind) th a") == ["exit-flush-peer-outside"]
    assert [each.split()[0] for each in seen(browser, ".matrix .kind")] == ["Defect"]
    assert browser.find_element("css selector", ".tools .count").text == "1 of 4, 1 of 3 kernels"
    field.clear()
    field.send_keys("control")
    assert seen(browser, ".matrix tbody tr:not(.kind) th a") == ["healthy"]
    field.clear()
    field.send_keys(" ")
    assert len(seen(browser, ".matrix tbody td")) == 12


def test_the_matrix_is_walked_by_the_keyboard(browser: Any, folder: Path) -> None:
    shown(browser, folder / "matrix.html")
    while tab(browser)["href"] != "#page-list":
        pass
    while not tab(browser)["text"].startswith("deadlock"):
        pass
    where = "return document.activeElement.textContent"
    found = []
    for key, code in (("ArrowRight", 39), ("ArrowDown", 40), ("ArrowRight", 39), ("ArrowRight", 39), ("ArrowUp", 38)):
        press(browser, key, code)
        found.append(browser.execute_script(where))
    assert found == ["deadlock 17 · released 3", "lost-vm", "skipped", "skipped", "released 20"]
    for _ in range(3):
        press(browser, "ArrowDown", 40)
    assert browser.execute_script(where) == "starved 3"
    press(browser, "ArrowLeft", 37)
    assert tab(browser)["outline"] >= 2


def test_the_table_can_be_skipped(browser: Any, folder: Path) -> None:
    shown(browser, folder / "large.html")
    while tab(browser)["href"] != "#page-list":
        pass
    assert browser.execute_script("return document.activeElement.offsetWidth") > 40
    press(browser, "Enter", 13)
    assert tab(browser)["tag"] in ("summary", "a")
    assert browser.execute_script("return document.activeElement.closest('.matrix')") is None


def test_verdict_graph_and_cure_are_above_the_fold(browser: Any, folder: Path) -> None:
    shown(browser, folder / "one.html")
    for chosen in ("p.verdict", "svg.graph", ".remedies .copied"):
        bottom = browser.execute_script(
            "return document.querySelector(arguments[0]).getBoundingClientRect().bottom", chosen
        )
        assert 0 < bottom <= 900, chosen


def test_the_theme_can_be_chosen(browser: Any, folder: Path) -> None:
    shown(browser, folder / "one.html")
    button = browser.find_element("css selector", "button.theme")
    back = "return getComputedStyle(document.body).backgroundColor"
    seen_themes = [(button.text, browser.execute_script(back))]
    for _ in range(3):
        button.click()
        seen_themes.append((button.text, browser.execute_script(back)))
    light, dark = "rgb(255, 255, 255)", "rgb(15, 20, 25)"
    assert seen_themes == [
        ("Theme: as the system", light),
        ("Theme: dark", dark),
        ("Theme: light", light),
        ("Theme: as the system", light),
    ]


def test_chips_show_the_rows_that_have_one_of_them(browser: Any, folder: Path) -> None:
    shown(browser, folder / "matrix.html")
    names = ".matrix tbody tr:not(.kind) th a"
    for tag, rows in (
        ("lost", ["exit-flush-peer-outside"]),
        ("reported", ["exit-flush-peer-outside", "server-stopped"]),
    ):
        browser.find_element("css selector", f'.chip[data-tag="{tag}"]').click()
        assert seen(browser, names) == rows
    assert browser.find_element("css selector", ".tools .count").text == "2 of 4, 3 of 3 kernels"


def test_every_command_of_a_diagnosis_is_complete_on_a_telephone(browser: Any, folder: Path) -> None:
    """It is broken, never cut: no box around it is narrower than its text."""
    shown(browser, folder / "diagnosis.html", SIZES[0])
    open_all(browser)
    cut = browser.execute_script(
        """
        return [...document.querySelectorAll(".copied code")].filter(it => it.scrollWidth > it.clientWidth + 1)
          .map(it => it.textContent);
        """
    )
    assert cut == []


def test_answers_are_filtered_by_their_look(browser: Any, folder: Path) -> None:
    shown(browser, folder / "runtimes.html")
    browser.find_element("css selector", '.chip[data-tag="silent"]').click()
    assert seen(browser, "table.answers tbody th") == ["kill"]


@pytest.mark.parametrize(("size", "wider"), [(SIZES[0], True), (SIZES[1], False)])
def test_a_drawing_that_is_wider_than_the_window_says_so(
    browser: Any, folder: Path, size: tuple[int, int], wider: bool
) -> None:
    shown(browser, folder / "one.html", size)
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    assert wider == browser.execute_script(
        "return document.querySelector('.graph').closest('.scroll').classList.contains('wider')"
    )


@pytest.mark.parametrize("secure", [True, False])
def test_a_command_is_copied(browser: Any, folder: Path, secure: bool) -> None:
    """Also where there is no clipboard to write to, as in an insecure context."""
    shown(browser, folder / "one.html")
    browser.execute_script(
        """
        window.copied = [];
        document.addEventListener("copy", () => copied.push(String(document.activeElement.value)));
        const clipboard = {writeText: async text => { copied.push(text); }};
        Object.defineProperty(navigator, "clipboard", {value: arguments[0] ? clipboard : undefined});
        """,
        secure,
    )
    command = browser.find_element("css selector", ".copied code").text
    browser.find_element("css selector", "button.copy").click()
    said = browser.execute_async_script(
        """
        const done = arguments[0], button = document.querySelector("button.copy");
        const look = () => button.textContent.startsWith("Copy ") ? setTimeout(look, 5) : done(button.textContent);
        look();
        """
    )
    assert said.startswith("Copied")
    assert browser.execute_script("return window.copied") == [command]
    assert browser.get_log("browser") == []


def test_without_scripts_everything_is_there(browser: Any, folder: Path) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        shown(browser, folder / "every.html")
        assert not browser.find_element("css selector", "button.copy").is_displayed()
        assert not browser.find_element("css selector", ".tools").is_displayed()
        assert browser.find_element("css selector", "svg.graph").is_displayed()
        browser.find_elements("css selector", "main summary")[0].click()
        assert browser.find_elements("css selector", "details.part > p")[0].is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_edges_show_their_evidence_to_a_mouse(browser: Any, folder: Path) -> None:
    shown(browser, folder / "one.html")
    badge = browser.find_element("css selector", ".edge circle")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", badge)
    caption = browser.find_element("css selector", ".edge .caption")
    assert caption.value_of_css_property("visibility") == "hidden"
    pytest.importorskip("selenium.webdriver").ActionChains(browser).move_to_element(badge).perform()
    assert caption.value_of_css_property("visibility") == "visible"
    assert "zap_pid_ns_processes() waits for it" in caption.text


def test_printed_it_has_the_closed_parts_too(browser: Any, folder: Path) -> None:
    shown(browser, folder / "one.html")
    closed = "return [...document.querySelectorAll('details')].filter(each => !each.open).length"
    before = browser.execute_script(closed)
    assert before > 0
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert browser.execute_script(closed) == 0
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    assert browser.execute_script(closed) == before


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", ["every", "matrix", "diagnosis", "runtimes"])
def test_text_stands_out_from_what_is_behind_it(browser: Any, folder: Path, name: str, scheme: str) -> None:
    """Every text of the page, SVG included; of a drawing's text the box that it lies in is what is behind it."""
    shown(browser, folder / f"{name}.html", scheme=scheme)
    open_all(browser)
    faint = browser.execute_script(
        """
        const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
        const rgba = colour => {
          canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
          return [...canvas.getImageData(0, 0, 1, 1).data];
        };
        const over = (top, bottom) => {
          const a = top[3] / 255;
          return [0, 1, 2].map(i => top[i] * a + bottom[i] * (1 - a)).concat(255);
        };
        const behind = element => {
          const chain = [];
          for (let it = element; it; it = it.parentElement) {
            const box = it.namespaceURI.endsWith("svg") && it.tagName === "g" && it.querySelector(":scope > rect");
            const circle = it.tagName === "g" && it.querySelector(":scope > circle");
            if (box || circle) {
              const style = getComputedStyle(box || circle), colour = rgba(style.fill);
              colour[3] *= parseFloat(style.fillOpacity);
              chain.push(colour);
            }
            chain.push(rgba(getComputedStyle(it).backgroundColor));
          }
          return chain.reverse().reduce((under, colour) => over(colour, under), [255, 255, 255, 255]);
        };
        const light = colour => {
          const linear = v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
          const [r, g, b] = colour.slice(0, 3).map(v => linear(v / 255));
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const found = new Map();
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
          const element = walker.currentNode.parentElement;
          if (!walker.currentNode.data.trim() || /^(script|style|title)$/i.test(element.tagName)) continue;
          const style = getComputedStyle(element), back = behind(element);
          const ink = over(rgba(element.namespaceURI.endsWith("svg") ? style.fill : style.color), back);
          const [x, y] = [light(ink), light(back)];
          const ratio = (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
          const key = element.tagName + "." + (element.getAttribute("class") || element.parentElement.className);
          if (!found.has(key) || found.get(key) > ratio) found.set(key, ratio);
        }
        return [...found];
        """
    )
    assert len(faint) > 30
    assert {name: round(ratio, 2) for name, ratio in faint if ratio < CONTRAST} == {}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(browser: Any, folder: Path, name: str, scheme: str) -> None:
    """The first tables of the large page, whose other parts the small ones have too."""
    if util.find_spec("axe_core_python") is None:
        pytest.skip("missing: axe-core-python")
    axe = (resources.files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
    shown(browser, folder / f"{name}.html", scheme=scheme)
    open_all(browser)
    browser.execute_script(axe)
    answer = browser.execute_async_script(
        "axe.run(arguments[0]).then(arguments[1], error => arguments[1]({error: String(error)}))",
        "main > section:first-of-type" if name == "large" else "html",
    )
    assert "error" not in answer
    assert len(answer["passes"]) > 15
    found = {each["id"]: [node["html"][:200] for node in each["nodes"]] for each in answer["violations"]}
    assert found == {}
