"""`prepare`: an upload checked row by row and made a contribution file."""

from dataclasses import dataclass

from workers.artifacts.store import ArtifactId
from workers.protocol.data import NO_ARTIFACT, DatasetVersion


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """One file of an upload; `name` decides how it is read (`data/train.parquet`, `README.md`)."""

    name: str
    artifact: ArtifactId


@dataclass(frozen=True, slots=True)
class ColumnName:
    """The upload's column `source` is the record's `target`; an empty target leaves the column out."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class CleaningRule:
    """`rule` is one of `workers.datasets.cleaning.RULES`, `action` is `mask` or `drop`."""

    rule: str
    action: str = "mask"


@dataclass(frozen=True, slots=True)
class PrepareRequest:
    """Check an upload row by row and make a contribution file of it.

    With a `label` it is a table (or pictures of `width` by `height`), read by `schema`, which is made from
    the upload when ""; without one it is text. Near-duplicates are looked for in the upload and `against`
    versions, and left out with `drops_duplicates`; `parents` are looked up in those versions. `deny` is a
    curator's list of what is masked, or with `deny_action` `drop` refused (`workers.datasets.denying`).
    """

    files: tuple[UploadedFile, ...]
    split: str = "train"
    columns: tuple[ColumnName, ...] = ()
    label: str = ""
    width: int = 0
    height: int = 0
    schema: ArtifactId = NO_ARTIFACT
    cleaning: tuple[CleaningRule, ...] = ()
    against: tuple[DatasetVersion, ...] = ()
    similarity_ppm: int = 990_000
    drops_duplicates: bool = False
    deny: ArtifactId = NO_ARTIFACT
    deny_action: str = "mask"


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why the row at `place` (`file:line`) is not among the records."""

    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """The row at `place` is similar to the one at `of`: a place, or `datanet 3, record 17`."""

    place: str
    of: str


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How often a cleaning rule found something."""

    rule: str
    count: int


@dataclass(frozen=True, slots=True)
class ParentShare:
    """An account whose records are parents here: of how many records, and what part of all of the upload's
    rows it is drawn for in the mean, in parts per million."""

    contributor: str
    records: int
    share_ppm: int


@dataclass(frozen=True, slots=True)
class PrepareResult:
    """`records` is the contribution file, "" when nothing was accepted. Lists are cut at 1,000 entries;
    `preview` holds the first records as JSON lines, `parents` who shares what derived ones earn."""

    records: ArtifactId
    schema: ArtifactId
    accepted: int
    refused: int
    problems: tuple[RowProblem, ...]
    cleaned: tuple[RuleCount, ...]
    duplicate_count: int
    duplicates: tuple[NearDuplicate, ...]
    preview: tuple[str, ...]
    parents: tuple[ParentShare, ...] = ()
