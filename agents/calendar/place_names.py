"""Place names that the time zone database does not carry, written by hand. Knows names only, no offsets and no clock.

Names are in the form of `wording.plain`: lower case, no accents, no dots. A zone's own last part ("tokyo", "new york")
and a country's name with one zone ("japan") need no entry; `places.py` takes those from tzdata.
"""

CITIES: dict[str, str] = {
    "Africa/Abidjan": "yamoussoukro",
    "Africa/Cairo": "alexandria, giza",
    "Africa/Casablanca": "fez, marrakech, marrakesh, rabat, tangier",
    "Africa/Dar_es_Salaam": "dodoma, zanzibar",
    "Africa/Johannesburg": "cape town, durban, joburg, pretoria, soweto",
    "Africa/Lagos": "abuja, ibadan, kano",
    "Africa/Nairobi": "mombasa",
    "America/Argentina/Buenos_Aires": "rosario",
    "America/Bogota": "cali, cartagena, medellin",
    "America/Boise": "idaho falls",
    "America/Chicago": (
        "austin, dallas, des moines, fort worth, houston, kansas city, madison, memphis, milwaukee, minneapolis, "
        "nashville, new orleans, oklahoma city, omaha, saint louis, san antonio, st louis, tulsa"
    ),
    "America/Denver": (
        "albuquerque, billings, boulder, cheyenne, colorado springs, el paso, salt lake city, santa fe"
    ),
    "America/Edmonton": "banff, calgary",
    "America/Guayaquil": "quito",
    "America/Halifax": "new brunswick, nova scotia",
    "America/Havana": "havanna",
    "America/Indiana/Indianapolis": "indianapolis",
    "America/La_Paz": "santa cruz de la sierra, sucre",
    "America/Los_Angeles": (
        "hollywood, l a, la, las vegas, long beach, mountain view, oakland, palo alto, pasadena, reno, "
        "sacramento, san diego, san francisco, san jose, seattle, sf, silicon valley, tacoma, vegas"
    ),
    "America/Mexico_City": "cdmx, guadalajara, puebla",
    "America/New_York": (
        "ann arbor, atlanta, baltimore, boston, brooklyn, buffalo, charlotte, cincinnati, cleveland, columbus, "
        "dc, jacksonville, manhattan, miami, new york city, newark, ny, nyc, orlando, philadelphia, philly, "
        "pittsburgh, princeton, raleigh, tampa, washington d c, washington dc"
    ),
    "America/Phoenix": "scottsdale, tucson",
    "America/Sao_Paulo": "belo horizonte, brasilia, curitiba, porto alegre, rio, rio de janeiro, salvador",
    "America/Toronto": "montreal, ottawa, quebec city",
    "America/Vancouver": "whistler",
    "Asia/Bangkok": "chiang mai, phuket",
    "Asia/Colombo": "kandy",
    "Asia/Dhaka": "chittagong",
    "Asia/Dubai": "abu dhabi, sharjah",
    "Asia/Ho_Chi_Minh": "da nang, hanoi, ho chi minh city, saigon",
    "Asia/Jakarta": "bandung, surabaya, yogyakarta",
    "Asia/Jerusalem": "haifa, tel aviv",
    "Asia/Karachi": "islamabad, lahore, peshawar, rawalpindi",
    "Asia/Kathmandu": "katmandu",
    "Asia/Kolkata": (
        "ahmedabad, bangalore, bengaluru, bombay, calcutta, chennai, delhi, goa, hyderabad, jaipur, kochi, "
        "lucknow, madras, mumbai, new delhi, pune"
    ),
    "Asia/Makassar": "bali, denpasar",
    "Asia/Manila": "cebu, davao",
    "Asia/Qatar": "doha",
    "Asia/Riyadh": "jeddah, mecca, medina",
    "Asia/Seoul": "busan, incheon",
    "Asia/Shanghai": (
        "beijing, canton, chengdu, chongqing, guangzhou, hangzhou, nanjing, peking, shenzhen, tianjin, wuhan, xian"
    ),
    "Asia/Tokyo": "fukuoka, hiroshima, kobe, kyoto, nagoya, okinawa, osaka, sapporo, yokohama",
    "Asia/Ulaanbaatar": "ulan bator",
    "Asia/Yangon": "rangoon",
    "Atlantic/Canary": "canaries, canary islands, gran canaria, lanzarote, las palmas, tenerife",
    "Atlantic/Reykjavik": "keflavik",
    "Australia/Brisbane": "cairns, gold coast",
    "Australia/Sydney": "canberra, newcastle nsw",
    "Europe/Amsterdam": "den haag, eindhoven, rotterdam, the hague, utrecht",
    "Europe/Athens": "crete, thessaloniki",
    "Europe/Belgrade": "novi sad",
    "Europe/Berlin": (
        "bonn, bremen, cologne, dortmund, dresden, dusseldorf, essen, frankfurt, hamburg, hannover, hanover, "
        "heidelberg, karlsruhe, koln, leipzig, munchen, munich, nuremberg, nurnberg, stuttgart"
    ),
    "Europe/Brussels": "antwerp, bruges, ghent, liege",
    "Europe/Bucharest": "cluj, cluj-napoca",
    "Europe/Copenhagen": "aarhus",
    "Europe/Dublin": "cork, galway, limerick",
    "Europe/Helsinki": "espoo, tampere, turku",
    "Europe/Istanbul": "ankara, antalya, izmir",
    "Europe/Kyiv": "kharkiv, kiev, kyiv, lviv, odesa, odessa",
    "Europe/Lisbon": "porto",
    "Europe/London": (
        "aberdeen, belfast, brighton, bristol, cardiff, edinburgh, glasgow, greenwich, leeds, liverpool, "
        "manchester, nottingham, oxford, sheffield"
    ),
    "Europe/Madrid": "barcelona, bilbao, ibiza, majorca, malaga, mallorca, sevilla, seville, valencia",
    "Europe/Moscow": "saint petersburg, st petersburg",
    "Europe/Oslo": "bergen, stavanger, trondheim",
    "Europe/Paris": "bordeaux, grenoble, lille, lyon, marseille, nantes, nice, strasbourg, toulouse",
    "Europe/Prague": "brno",
    "Europe/Rome": (
        "bologna, firenze, florence, milan, milano, naples, napoli, palermo, roma, torino, turin, venezia, venice"
    ),
    "Europe/Stockholm": "gothenburg, malmo, uppsala",
    "Europe/Vienna": "graz, innsbruck, linz, salzburg, wien",
    "Europe/Warsaw": "cracow, gdansk, krakow, poznan, wroclaw",
    "Europe/Zurich": "basel, bern, berne, cern, geneva, lausanne",
    "Pacific/Auckland": "christchurch, dunedin, queenstown, wellington",
    "Pacific/Easter": "easter island",
    "Pacific/Honolulu": "maui, waikiki",
}
"""Cities by zone."""

REGIONS: dict[str, str] = {
    "Africa/Abidjan": "ivory coast",
    "Africa/Brazzaville": "republic of the congo",
    "Africa/Kinshasa": "dr congo, drc",
    "Africa/Sao_Tome": "sao tome",
    "America/Anchorage": "alaska",
    "America/Chicago": (
        "alabama, arkansas, illinois, iowa, kansas, louisiana, minnesota, mississippi, missouri, nebraska, "
        "oklahoma, tennessee, texas, wisconsin"
    ),
    "America/Denver": "colorado, idaho, montana, new mexico, utah, wyoming",
    "America/Edmonton": "alberta",
    "America/Los_Angeles": "california, nevada, oregon, washington state",
    "America/New_York": (
        "connecticut, delaware, florida, georgia us, georgia usa, indiana, kentucky, maine, maryland, "
        "massachusetts, michigan, new hampshire, new jersey, new york state, north carolina, ohio, pennsylvania, "
        "rhode island, south carolina, vermont, virginia, west virginia"
    ),
    "America/Phoenix": "arizona",
    "America/Port_of_Spain": "trinidad",
    "America/Regina": "saskatchewan",
    "America/Toronto": "ontario, quebec",
    "America/Vancouver": "bc, british columbia",
    "America/Winnipeg": "manitoba",
    "Asia/Dubai": "emirates, uae",
    "Asia/Kolkata": "kerala, maharashtra, tamil nadu",
    "Asia/Macau": "macao",
    "Asia/Pyongyang": "north korea",
    "Asia/Seoul": "korea, south korea",
    "Asia/Yangon": "burma, myanmar",
    "Australia/Adelaide": "south australia",
    "Australia/Brisbane": "queensland",
    "Australia/Hobart": "tasmania",
    "Australia/Melbourne": "victoria",
    "Australia/Perth": "western australia",
    "Australia/Sydney": "new south wales, nsw",
    "Europe/Amsterdam": "holland, the netherlands",
    "Europe/Berlin": "bavaria, germany",
    "Europe/Istanbul": "turkiye",
    "Europe/London": "britain, england, great britain, northern ireland, scotland, u k, uk, united kingdom, wales",
    "Europe/Madrid": "catalonia",
    "Europe/Prague": "czechia",
    "Europe/Sarajevo": "bosnia",
    "Europe/Skopje": "macedonia",
    "Europe/Vatican": "vatican",
    "Pacific/Apia": "samoa",
    "Pacific/Honolulu": "hawaii",
}
"""States, provinces and other names of countries, by the zone most of their people live in."""

COUNTRIES: dict[str, tuple[str, str]] = {
    "argentina": ("America/Argentina/Buenos_Aires", "Buenos Aires"),
    "australia": ("Australia/Sydney", "Sydney"),
    "brazil": ("America/Sao_Paulo", "São Paulo and Brasília"),
    "canada": ("America/Toronto", "Toronto and Ottawa"),
    "chile": ("America/Santiago", "Santiago"),
    "china": ("Asia/Shanghai", "Beijing"),
    "congo": ("Africa/Kinshasa", "Kinshasa"),
    "cyprus": ("Asia/Nicosia", "Nicosia"),
    "ecuador": ("America/Guayaquil", "Quito"),
    "greenland": ("America/Nuuk", "Nuuk"),
    "indonesia": ("Asia/Jakarta", "Jakarta"),
    "kazakhstan": ("Asia/Almaty", "Astana and Almaty"),
    "malaysia": ("Asia/Kuala_Lumpur", "Kuala Lumpur"),
    "mexico": ("America/Mexico_City", "Mexico City"),
    "mongolia": ("Asia/Ulaanbaatar", "Ulaanbaatar"),
    "new zealand": ("Pacific/Auckland", "Auckland and Wellington"),
    "nz": ("Pacific/Auckland", "Auckland and Wellington"),
    "palestine": ("Asia/Gaza", "Gaza"),
    "papua new guinea": ("Pacific/Port_Moresby", "Port Moresby"),
    "portugal": ("Europe/Lisbon", "Lisbon"),
    "russia": ("Europe/Moscow", "Moscow"),
    "spain": ("Europe/Madrid", "Madrid"),
    "ukraine": ("Europe/Kyiv", "Kyiv"),
    "united states": ("America/New_York", "the east coast"),
    "us": ("America/New_York", "the east coast"),
    "usa": ("America/New_York", "the east coast"),
    "america": ("America/New_York", "the east coast of the United States"),
    "uzbekistan": ("Asia/Tashkent", "Tashkent"),
}
"""Countries with several zones: the zone taken, and whose it is."""

AMBIGUOUS: dict[str, tuple[str, str]] = {
    "georgia": ("Asia/Tbilisi", "Georgia taken as the country; for the US state, say Georgia USA."),
    "portland": ("America/Los_Angeles", "Portland taken as the one in Oregon; for Maine, say Portland Maine."),
    "washington": ("America/New_York", "Washington taken as Washington, D.C.; for the state, say Washington state."),
    "birmingham": ("Europe/London", "Birmingham taken as the English one; for Alabama, say Birmingham Alabama."),
    "cambridge": ("Europe/London", "Cambridge taken as the English one; for the US, say Cambridge Massachusetts."),
    "newcastle": ("Europe/London", "Newcastle taken as the English one; for Australia, say Newcastle NSW."),
    "santiago": ("America/Santiago", "Santiago taken as the capital of Chile."),
    "san juan": ("America/Puerto_Rico", "San Juan taken as the capital of Puerto Rico."),
    "melbourne": ("Australia/Melbourne", "Melbourne taken as the Australian one; for Florida, say Melbourne Florida."),
    "kansas": ("America/Chicago", "Most of Kansas keeps Central time; its westernmost counties keep Mountain time."),
    "texas": ("America/Chicago", "Most of Texas keeps Central time; El Paso keeps Mountain time."),
    "florida": ("America/New_York", "Most of Florida keeps Eastern time; its western panhandle keeps Central time."),
    "tennessee": ("America/Chicago", "Western and middle Tennessee (Nashville) taken; the east keeps Eastern time."),
    "kentucky": ("America/New_York", "Eastern Kentucky (Louisville) taken; the west keeps Central time."),
    "indiana": ("America/Indiana/Indianapolis", "Most of Indiana keeps Eastern time; its corners keep Central time."),
    "idaho": ("America/Boise", "Southern Idaho (Boise) taken; the north keeps Pacific time."),
    "oregon": ("America/Los_Angeles", "Most of Oregon keeps Pacific time; Malheur County keeps Mountain time."),
    "nebraska": ("America/Chicago", "Eastern Nebraska (Omaha) taken; the west keeps Mountain time."),
}  # fmt: skip
"""Names with more than one zone: the zone taken and the sentence that says so."""

ABBREVIATIONS: dict[str, tuple[str, str]] = {
    "pst": ("America/Los_Angeles", "US Pacific time"),
    "pdt": ("America/Los_Angeles", "US Pacific time"),
    "pt": ("America/Los_Angeles", "US Pacific time"),
    "pacific": ("America/Los_Angeles", "US Pacific time"),
    "mst": ("America/Denver", "US Mountain time, not Malaysia's"),
    "mdt": ("America/Denver", "US Mountain time"),
    "mountain": ("America/Denver", "US Mountain time"),
    "cst": ("America/Chicago", "US Central time, not China's or Cuba's"),
    "cdt": ("America/Chicago", "US Central time"),
    "ct": ("America/Chicago", "US Central time"),
    "central": ("America/Chicago", "US Central time"),
    "est": ("America/New_York", "US Eastern time, not Australia's"),
    "edt": ("America/New_York", "US Eastern time"),
    "et": ("America/New_York", "US Eastern time"),
    "eastern": ("America/New_York", "US Eastern time"),
    "akst": ("America/Anchorage", "Alaska time"),
    "hst": ("Pacific/Honolulu", "Hawaii time"),
    "bst": ("Europe/London", "British time, not Bangladesh's"),
    "wet": ("Europe/Lisbon", "Western European time"),
    "cet": ("Europe/Paris", "Central European time"),
    "cest": ("Europe/Paris", "Central European time"),
    "eet": ("Europe/Athens", "Eastern European time"),
    "eest": ("Europe/Athens", "Eastern European time"),
    "msk": ("Europe/Moscow", "Moscow time"),
    "ist": ("Asia/Kolkata", "Indian time, not Ireland's or Israel's"),
    "pkt": ("Asia/Karachi", "Pakistan time"),
    "gst": ("Asia/Dubai", "Gulf time"),
    "sgt": ("Asia/Singapore", "Singapore time"),
    "hkt": ("Asia/Hong_Kong", "Hong Kong time"),
    "jst": ("Asia/Tokyo", "Japan time"),
    "kst": ("Asia/Seoul", "Korea time"),
    "aest": ("Australia/Sydney", "Sydney time"),
    "aedt": ("Australia/Sydney", "Sydney time"),
    "acst": ("Australia/Adelaide", "Adelaide time"),
    "awst": ("Australia/Perth", "Perth time"),
    "nzst": ("Pacific/Auckland", "New Zealand time"),
    "nzdt": ("Pacific/Auckland", "New Zealand time"),
    "brt": ("America/Sao_Paulo", "Brasília time"),
    "art": ("America/Argentina/Buenos_Aires", "Argentina time"),
    "sast": ("Africa/Johannesburg", "South Africa time"),
    "eat": ("Africa/Nairobi", "East Africa time"),
    "wat": ("Africa/Lagos", "West Africa time"),
}
"""Abbreviations: the place whose clocks are meant (summer time included) and how that is said."""
