// Question 1 of the first run: the zone that this device keeps, and the currency that is used there. Only a suggestion,
// and only while nobody has answered yet.
"use strict";

const form = document.querySelector("form[data-guess]");
const zone = form?.elements.namedItem("zone");
const currency = form?.elements.namedItem("currency");

function pay() {
  const money = zone.selectedOptions[0]?.dataset.money;
  if (money) currency.value = money;
}

if (zone && currency) {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if ([...zone.options].some((one) => one.value === here)) {
    zone.value = here;
    pay();
  }
  zone.addEventListener("change", pay);
}
