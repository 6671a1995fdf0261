/** The parts of a report's page that a person works with. Everything else on it needs no script. */
import { REVIEW_ELEMENT, ROWS_ELEMENT, type ReviewData, type RowListData } from "../src/report-page/page-data";
import { dataOf } from "./elements";
import { showReview } from "./review";
import { showRows } from "./row-list";
import "./style.css";

const review = dataOf<ReviewData>(REVIEW_ELEMENT);
const reviewPlace = document.getElementById("review");
if (review !== null && reviewPlace !== null && review.suspects.length > 0) showReview(reviewPlace, review);

const rows = dataOf<RowListData>(ROWS_ELEMENT);
const rowsPlace = document.getElementById("rows");
if (rows !== null && rowsPlace !== null) showRows(rowsPlace, rows);
