"""Geometries of bearings that public test rigs use, each with its source."""

BEARINGS: dict[str, tuple[int, float, float, float, str]] = {
    "6205-2RS JEM SKF": (9, 7.940, 39.04, 0.0, "Case Western Reserve University Bearing Data Center, drive end"),
    "6203-2RS JEM SKF": (8, 6.746, 28.50, 0.0, "Case Western Reserve University Bearing Data Center, fan end"),
    "ZA-2115 Rexnord": (16, 8.407, 71.50, 15.17, "IMS, University of Cincinnati; Qiu et al. 2006, J. Sound Vib. 289"),
    "UER204 LDK": (8, 7.920, 34.55, 0.0, "XJTU-SY; Wang et al. 2020, IEEE Trans. Reliability 69(1), table I"),
    "6804RS NSK": (13, 3.500, 25.60, 0.0, "PRONOSTIA (FEMTO-ST); Nectoux et al. 2012, IEEE PHM, table 1"),
    "NICE MFPT": (
        8,
        5.969,
        31.62,
        0.0,
        "MFPT bearing data set, E. Bechhoefer 2013",
    ),
}
"""Designation -> rolling elements, their diameter and that of the pitch circle in mm, contact angle in degrees, source.

Makers change the inside of a bearing under one designation: prefer a geometry of your own where you have one.
"""
