/** The output folder of a curation: its report, as the command wrote it, and the rows of its files. */
import { useEffect, useState } from "preact/hooks";
import { type CurationFiles, curationProblems, framedReport } from "../../src/explore/curation-files";
import { CorpusView } from "./corpus-view";

export function CurationView({ curation }: { curation: CurationFiles }) {
  const [report, setReport] = useState<string>();
  const [problems, setProblems] = useState<readonly string[]>([]);
  useEffect(() => {
    let isCurrent = true;
    setReport(undefined);
    setProblems([]);
    const read = async (): Promise<void> => {
      const found = await curationProblems(curation);
      const html = await curation.page?.blob.text();
      if (!isCurrent) return;
      setProblems(found);
      if (html !== undefined) setReport(framedReport(html));
    };
    read().catch((error: Error) => isCurrent && setProblems([error.message]));
    return () => {
      isCurrent = false;
    };
  }, [curation]);
  return (
    <>
      <h2>Curation report</h2>
      {problems.map((problem) => (
        <p key={problem} class="problem">
          {problem}
        </p>
      ))}
      {/* In an origin of its own, where it can do nothing to this page. */}
      {report !== undefined && (
        <iframe class="report" title="Curation report" sandbox="allow-scripts allow-downloads" srcdoc={report} />
      )}
      {curation.corpora.length > 0 && <CorpusView files={curation.corpora} />}
    </>
  );
}
