/** Entry of the review page. */

export {};
