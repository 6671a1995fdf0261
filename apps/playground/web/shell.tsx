import { type ComponentChildren, createContext } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";
import "../../../packages/monitor/web/style.css";
import "./style.css";

/** Whether the page has dark colors. */
export const DarkContext = createContext(false);

const PAGES = [
  ["learn", "./index.html", "Learn"],
  ["judge", "./judge.html", "Judge"],
  ["explore", "./explore.html", "Explore"],
] as const;

/** The reader's choice of colors; without storage it lasts as long as the page. */
function storedTheme(): string | null {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null;
  }
}

function useTheme(): readonly [boolean, () => void] {
  const [dark, setDark] = useState(
    () => (storedTheme() ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark",
  );
  useLayoutEffect(() => {
    document.documentElement.dataset.theme = dark ? "dark" : "light";
  }, [dark]);
  const toggle = (): void => {
    try {
      localStorage.setItem("theme", dark ? "light" : "dark");
    } catch {
      // It lasts as long as the page.
    }
    setDark(!dark);
  };
  return [dark, toggle];
}

/** What all pages have around their content. */
export function Shell({ page, children }: { page: "learn" | "judge" | "explore"; children: ComponentChildren }) {
  const [dark, toggleTheme] = useTheme();
  return (
    <DarkContext.Provider value={dark}>
      <header>
        <a class="home" href="./index.html">
          V-Triune
        </a>
        <nav aria-label="Pages">
          {PAGES.map(([name, href, label]) => (
            <a key={name} href={href} aria-current={name === page ? "page" : undefined}>
              {label}
            </a>
          ))}
        </nav>
        <span class="spacer" />
        <button class="small" onClick={toggleTheme} aria-label={dark ? "Light colors" : "Dark colors"}>
          {dark ? "☀" : "☾"}
        </button>
      </header>
      <main>{children}</main>
    </DarkContext.Provider>
  );
}
