/** Reports as they come from the field, and questions that are put in other words: none shares one with its answer. */

export const SENTENCES: readonly string[] = [
  // Weather and water
  'Heavy rainfall flooded the underpass near the railway station.',
  'The river rose above its banks during the night.',
  'A thick fog reduced visibility on the runway to fifty metres.',
  'Hailstones the size of walnuts damaged the greenhouse roofs.',
  'The reservoir is at a fifth of its capacity after a dry spring.',
  // Traffic and transport
  'A lorry overturned on the motorway and blocked two lanes.',
  'The morning train was cancelled because the driver fell ill.',
  'Cyclists complain about potholes on the bridge.',
  'The ferry left the harbour forty minutes late.',
  'Passengers waited for hours after the flight was diverted.',
  // Health
  'The patient was given antibiotics for a lung infection.',
  'Nurses report a shortage of beds in intensive care.',
  'Several children at the nursery caught chickenpox.',
  'The clinic offers free vaccination against influenza.',
  'Her blood pressure returned to normal after two weeks.',
  // Computing
  'The database server ran out of disk space at midnight.',
  'Users cannot log in since the certificate expired.',
  'A phishing email asked employees for their passwords.',
  'The new release makes the application start twice as fast.',
  'Backups failed because the network connection dropped.',
  // Money
  'The central bank raised interest rates by half a point.',
  'Rents in the city have doubled within ten years.',
  'The company dismissed three hundred workers.',
  'Shares of the car maker lost a tenth of their value.',
  'The bakery closed since flour became too expensive.',
  // Animals and plants
  'A pair of storks is nesting on the church tower.',
  'Wolves killed a dozen sheep on the mountain pasture.',
  'The beekeeper lost half of his hives to mites.',
  'Dead fish were floating in the canal below the factory.',
  'The old oak in the park has to be felled.',
  // Food
  'The soup was too salty and came to the table cold.',
  'Guests praised the grilled trout and the local wine.',
  'Inspectors found mould in the kitchen of the restaurant.',
  'The supermarket recalled yoghurt that may contain glass.',
  'She bakes bread with rye and caraway every Saturday.',
  // Sport and culture
  'The home team scored twice in the last five minutes.',
  'The marathon was won by a runner from Ethiopia.',
  'The museum shows paintings that were thought to be lost.',
  'The orchestra opened the season with a symphony by Mahler.',
  'Her first novel is about two sisters in wartime.',
  // Crime and safety
  'Thieves broke into the jewellery shop through the ceiling.',
  'The fire brigade rescued a man from a burning flat.',
  'Police arrested a suspect after the bank robbery.',
  'A gas leak forced the evacuation of the school.',
  'Someone sprayed graffiti on the town hall.',
];

/** A question, and the sentence that answers it. */
export const QUESTIONS: readonly (readonly [string, string])[] = [
  ['stream overflowing after dark', 'The river rose above its banks during the night.'],
  ['pilots could hardly see anything at the airport', 'A thick fog reduced visibility on the runway to fifty metres.'],
  ['drought and low water supply', 'The reservoir is at a fifth of its capacity after a dry spring.'],
  ['truck accident on a highway', 'A lorry overturned on the motorway and blocked two lanes.'],
  ['boat departing behind schedule', 'The ferry left the harbour forty minutes late.'],
  ['bad road surface is dangerous for people on bikes', 'Cyclists complain about potholes on the bridge.'],
  ['stranded air travellers', 'Passengers waited for hours after the flight was diverted.'],
  ['medicine for pneumonia', 'The patient was given antibiotics for a lung infection.'],
  ['hospital is full', 'Nurses report a shortage of beds in intensive care.'],
  ['kids with a contagious rash', 'Several children at the nursery caught chickenpox.'],
  ['where can I get a flu shot', 'The clinic offers free vaccination against influenza.'],
  ['storage full on the machine that keeps our data', 'The database server ran out of disk space at midnight.'],
  ['fraudulent messages trying to steal staff credentials', 'A phishing email asked employees for their passwords.'],
  ['software update improved performance', 'The new release makes the application start twice as fast.'],
  ['borrowing gets costlier', 'The central bank raised interest rates by half a point.'],
  ['housing is less affordable', 'Rents in the city have doubled within ten years.'],
  ['mass layoffs', 'The company dismissed three hundred workers.'],
  ['automobile stock price falls', 'Shares of the car maker lost a tenth of their value.'],
  ['predators attacking livestock', 'Wolves killed a dozen sheep on the mountain pasture.'],
  ['insects that make honey are dying', 'The beekeeper lost half of his hives to mites.'],
  ['water pollution from industry', 'Dead fish were floating in the canal below the factory.'],
  ['cutting down a tree', 'The old oak in the park has to be felled.'],
  ['hygiene violation where meals are cooked', 'Inspectors found mould in the kitchen of the restaurant.'],
  ['dairy product withdrawn from sale', 'The supermarket recalled yoghurt that may contain glass.'],
  ['late goals decided the football match', 'The home team scored twice in the last five minutes.'],
  ['African athlete comes first in long distance race', 'The marathon was won by a runner from Ethiopia.'],
  ['classical music concert', 'The orchestra opened the season with a symphony by Mahler.'],
  ['book on siblings and conflict', 'Her first novel is about two sisters in wartime.'],
  ['burglary of precious stones and gold', 'Thieves broke into the jewellery shop through the ceiling.'],
  ['pupils had to leave the building', 'A gas leak forced the evacuation of the school.'],
];

/** Words that say nothing of a topic. */
export const STOP_WORDS: ReadonlySet<string> = new Set(
  'a an and are at about after behind by can could first for from get had has have her his i in is it its of on one or our the that their them they this to too two was were where with'.split(
    ' ',
  ),
);
