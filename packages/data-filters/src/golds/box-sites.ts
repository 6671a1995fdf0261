/**
 * Divides the boxes of k answers into sites: places where a gold box is, or where answers agree on a box that the gold
 * lacks. Each site is a small question of its own, which suspicion-model.ts judges.
 *
 *     a gold box     answers that find it (IoU ≥ 0.5, same label) | answers that have another box instead, by cluster
 *     a missing box  answers without it                           | answers that have it
 *
 * Boxes form a cluster if they have one label and an IoU of 0.6 or more with its middle box, whose coordinates are the
 * medians of its members. A cluster takes at most one box of an answer. It belongs to a gold box if most of its answers
 * do not find that gold box, at the same place with another label, or elsewhere with the same label; else the gold may
 * lack its box. An answer that says nothing at a site is no part of it.
 *
 * A gold box that no answer finds is no suspect if the answers have nothing else: models overlook small objects. So a
 * box too many in the gold is not found.
 */
import { boxIou, type Box, type Corners } from "@v-triune/verifiers/detection";
import type { GoldBox } from "@v-triune/schema";
import type { Division } from "./suspicion-model";

/** A box that answers agree on, in thousandths of the picture. */
export interface AgreedBox {
  readonly box: GoldBox;
  /** Answers that have it. */
  readonly count: number;
}

/** What the answers say about the boxes of one picture. */
export interface BoxSites {
  /** One division for each gold box. They show how the model does on the source. */
  readonly atGolds: readonly Division[];
  /** One for each box that the gold may lack. There is one only where answers err or the gold does. */
  readonly elsewhere: readonly Division[];
  /** Boxes that miss the gold and that more than half of the answers have. */
  readonly agreed: readonly AgreedBox[];
  /** The gold with those boxes: in the place of the gold boxes that they compete with, or beside them. */
  readonly corrected: readonly GoldBox[];
}

/** From here on a box finds a gold box. */
const FOUND = 0.5;
/** Least IoU of a box and the middle of its cluster. */
const AGREED = 0.6;
/** An answer of more boxes is no answer to a prompt of this task. */
const MOST_BOXES = 100;

interface Cluster {
  readonly label: string;
  readonly members: { readonly answer: number; readonly bbox: Corners }[];
  middle: Corners;
}

/**
 * Finds the sites.
 *
 * @param golds in thousandths
 * @param answers boxes of each answer, in thousandths
 */
export function boxSites(golds: readonly GoldBox[], answers: readonly (readonly Box[])[]): BoxSites {
  const finders = golds.map(() => new Set<number>());
  const clusters: Cluster[] = [];
  for (const [answer, boxes] of answers.entries()) {
    const left = withoutFound(boxes.slice(0, MOST_BOXES), golds, (gold) => finders[gold]!.add(answer));
    for (const { bbox, label } of left) joinCluster(clusters, { answer, bbox, label });
  }
  const settled = clusters
    .map(settle)
    .filter(
      ({ middle, label, members }) => members.length > 0 && !golds.some((gold) => finds({ bbox: middle, label }, gold)),
    )
    .sort((a, b) => b.members.length - a.members.length || a.middle[0] - b.middle[0] || a.middle[1] - b.middle[1]);
  return divide(golds, finders, settled, answers.length);
}

/** Takes from an answer the boxes that find a gold box, the best pair first, and reports the gold boxes found. */
function withoutFound(boxes: readonly Box[], golds: readonly GoldBox[], tell: (gold: number) => void): readonly Box[] {
  const pairs = boxes
    .flatMap((box, at) =>
      golds.map((gold, of) => ({ at, of, iou: isSameLabel(box, gold) ? boxIou(box.bbox, gold.bbox_2d) : 0 })),
    )
    .filter(({ iou }) => iou >= FOUND)
    .sort((a, b) => b.iou - a.iou);
  const used = new Set<number>();
  const found = new Set<number>();
  for (const { at, of } of pairs) {
    if (used.has(at) || found.has(of)) continue;
    used.add(at);
    found.add(of);
    tell(of);
  }
  return boxes.filter((_, at) => !used.has(at));
}

const isSameLabel = (box: { readonly label: string }, gold: GoldBox): boolean =>
  box.label === "" || box.label.toLowerCase() === gold.label.toLowerCase();
const finds = (box: Box, gold: GoldBox): boolean => isSameLabel(box, gold) && boxIou(box.bbox, gold.bbox_2d) >= FOUND;

function joinCluster(clusters: Cluster[], { answer, bbox, label }: Box & { readonly answer: number }): void {
  let best: Cluster | undefined;
  let most = AGREED;
  for (const cluster of clusters) {
    if (cluster.label !== label || cluster.members.some((member) => member.answer === answer)) continue;
    const iou = boxIou(cluster.middle, bbox);
    if (iou >= most) [best, most] = [cluster, iou];
  }
  if (best === undefined) {
    clusters.push({ label, members: [{ answer, bbox }], middle: bbox });
    return;
  }
  best.members.push({ answer, bbox });
  best.middle = middleOf(best);
}

/** Drops the members that the middle has moved away from. */
function settle(cluster: Cluster): Cluster {
  const members = cluster.members.filter(({ bbox }) => boxIou(cluster.middle, bbox) >= AGREED);
  const settled = { ...cluster, members };
  return members.length === 0 ? settled : { ...settled, middle: middleOf(settled) };
}

function middleOf({ members }: Pick<Cluster, "members">): Corners {
  const median = (corner: 0 | 1 | 2 | 3): number => {
    const sorted = members.map(({ bbox }) => bbox[corner]).sort((a, b) => a - b);
    const at = sorted.length >> 1;
    return sorted.length % 2 === 1 ? sorted[at]! : (sorted[at - 1]! + sorted[at]!) / 2;
  };
  return [median(0), median(1), median(2), median(3)];
}

/** A gold box, and what answers say in its place. */
interface GoldSite {
  readonly gold: GoldBox;
  readonly finders: ReadonlySet<number>;
  /** Answers that say another thing here. */
  readonly others: Set<number>;
  readonly counts: number[];
  /** The largest cluster here. */
  rival?: Cluster;
}

function divide(
  golds: readonly GoldBox[],
  finders: readonly ReadonlySet<number>[],
  clusters: readonly Cluster[],
  k: number,
): BoxSites {
  const sites = golds.map((gold, i): GoldSite => ({ gold, finders: finders[i]!, others: new Set(), counts: [] }));
  const beside: Cluster[] = [];
  for (const cluster of clusters) {
    const site = siteOf(cluster, sites);
    if (site === undefined) {
      beside.push(cluster);
      continue;
    }
    const own = speakers(cluster, site);
    for (const answer of own) site.others.add(answer);
    site.counts.push(own.length);
    site.rival ??= cluster;
  }
  const isAgreed = ({ members }: Cluster): boolean => 2 * members.length > k;
  const labelOf = (label: string): string =>
    golds.find((gold) => gold.label.toLowerCase() === label)?.label ?? (label === "" ? (golds[0]?.label ?? "") : label);
  const goldBoxOf = ({ middle, label }: Cluster): GoldBox => ({
    bbox_2d: middle.map((value) => Math.min(1000, Math.max(0, Math.trunc(value)))) as [number, number, number, number],
    label: labelOf(label),
  });
  return {
    atGolds: sites.map(({ finders: found, counts }) => ({
      gold: found.size,
      others: [...counts].sort((a, b) => b - a),
    })),
    elsewhere: beside.map(({ members }) => ({ gold: k - members.length, others: [members.length] })),
    agreed: clusters.filter(isAgreed).map((cluster) => ({ box: goldBoxOf(cluster), count: cluster.members.length })),
    corrected: [
      ...sites.map(({ gold, rival }) => (rival !== undefined && isAgreed(rival) ? goldBoxOf(rival) : gold)),
      ...beside.filter(isAgreed).map(goldBoxOf),
    ],
  };
}

/** The answers of a cluster that do not find the gold box and say nothing else at its site. */
function speakers({ members }: Cluster, { finders, others }: GoldSite): number[] {
  return members.map(({ answer }) => answer).filter((answer) => !finders.has(answer) && !others.has(answer));
}

/** The site that a cluster belongs to: where its place is, else of its label and where fewest answers find the gold. */
function siteOf(cluster: Cluster, sites: readonly GoldSite[]): GoldSite | undefined {
  const overlap = ({ gold }: GoldSite): number => boxIou(cluster.middle, gold.bbox_2d);
  const free = sites.filter((site) => 2 * speakers(cluster, site).length > cluster.members.length);
  const [best] = free
    .filter((site) => isSameLabel(cluster, site.gold) || overlap(site) >= FOUND)
    .sort((a, b) => overlap(b) - overlap(a) || a.finders.size - b.finders.size);
  return best;
}
