/** The least that a compiled program costs: what everything else is compared with. */
console.log("hello");
