# Installs hydra for the current user of Windows, and adds it to the user's PATH:
#
#   .\install.ps1 [-Folder FOLDER]
#
# The default folder is %LOCALAPPDATA%\Programs\hydra. The archive must have the checksum of the release's SHA256SUMS. If GitHub's
# CLI is installed and logged in, it must also have an attestation.
#
# HYDRA_INSTALL_BASE replaces the URL of the folder that has the archives and SHA256SUMS, for a mirror.
param([string] $Folder = $(if ($env:LOCALAPPDATA) { "$env:LOCALAPPDATA\Programs\hydra" }))

# A release fills these in.
$Repository = ''
$Version = ''

function Get-Base {
  if ($env:HYDRA_INSTALL_BASE) { return $env:HYDRA_INSTALL_BASE.TrimEnd('/') }
  if (-not $Repository) {
    throw 'This copy is not from a release: set HYDRA_INSTALL_BASE to the URL of a folder with the archives'
  }
  if ($Version) { return "$Repository/releases/download/v$Version" }
  return "$Repository/releases/latest/download"
}

# The folder as an absolute path: a relative one would not work on the PATH.
function Get-Folder([string] $Folder) {
  if (-not $Folder.Trim()) { throw 'There is no folder to install into: choose one with -Folder' }
  $path = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Folder)
  if (Test-Path -LiteralPath "$path\hydra.exe" -PathType Container) {
    throw "$path\hydra.exe is a folder: remove it, or choose another folder with -Folder"
  }
  return $path
}

# A URL as messages show it: without the password and the query, which may be a signature.
function Get-Shown([Uri] $Url) {
  return "$Url" -replace '//[^/]*@', '//' -replace '[?#].*$', ''
}

# Downloads a URL to a file. Windows PowerShell would follow a redirect from https to http, so each step is checked here.
function Save-File([Uri] $Url, [string] $Path) {
  $current = $Url
  for ($step = 0; $step -lt 10; $step++) {
    try {
      $request = [Net.WebRequest]::Create($current)
      if ($request -is [Net.HttpWebRequest]) { $request.AllowAutoRedirect = $false }
      $response = $request.GetResponse()
    } catch {
      throw "Cannot download $(Get-Shown $current): $($_.Exception.GetBaseException().Message) Check the network; for a mirror, check HYDRA_INSTALL_BASE"
    }
    try {
      if ([int] $response.StatusCode -lt 300) {
        $file = [IO.File]::Create($Path)
        try { $response.GetResponseStream().CopyTo($file) } finally { $file.Dispose() }
        return
      }
      $next = New-Object Uri $current, $response.Headers['Location']
    } finally {
      $response.Close()
    }
    if ($current.Scheme -eq 'https' -and $next.Scheme -ne 'https') {
      throw "$(Get-Shown $current) redirects to $(Get-Shown $next), which is not https: set HYDRA_INSTALL_BASE to another URL"
    }
    $current = $next
  }
  throw "Cannot download $(Get-Shown $Url): too many redirects. For a mirror, check HYDRA_INSTALL_BASE"
}

$CheckBase = 'For a mirror, check that all files in HYDRA_INSTALL_BASE are from one release'

function Test-Sum([string] $Scratch, [string] $Name) {
  $line = Get-Content "$Scratch\SHA256SUMS" | Where-Object { $_.EndsWith("  $Name") }
  if (-not $line) { throw "SHA256SUMS does not list $Name. $CheckBase" }
  $wanted = $line.Split(' ')[0]
  $found = (Get-FileHash "$Scratch\$Name" -Algorithm SHA256).Hash
  if ($found -ne $wanted) { throw "$Name has the checksum $found instead of $wanted; nothing was installed. Download again. $CheckBase" }
}

function Test-Attestation([string] $Path) {
  if (-not $Repository -or -not (Get-Command gh -ErrorAction SilentlyContinue)) { return }
  # What gh writes to its error stream must not end the script: only its exit code counts.
  $ErrorActionPreference = 'Continue'
  gh attestation verify --help *> $null
  if ($LASTEXITCODE -ne 0) {
    Write-Warning 'The attestation is not checked, because gh is older than 2.49. Update gh, then run this script again'
    return
  }
  gh auth status *> $null
  if ($LASTEXITCODE -ne 0) {
    Write-Warning 'The attestation is not checked, because gh is not logged in. Run gh auth login, then this script again'
    return
  }
  gh attestation verify $Path --repo $Repository.Replace('https://github.com/', '') | Out-Null
  if ($LASTEXITCODE -ne 0) {
    $name = Split-Path -Leaf $Path
    throw "gh found no valid attestation of $name; nothing was installed. If its message is about the network or the login, fix that and run this script again; otherwise, report it at $Repository"
  }
}

# Starts the program in the folder where it will be: in the temporary folder, programs may not be allowed to run. Without the
# user's config file and the runtime's variables, because a mistake in them doesn't mean that the program can't run here.
function Test-Program([string] $Path) {
  $kept = @{}
  foreach ($name in 'HOME', 'USERPROFILE', 'LOCALAPPDATA', 'XDG_CONFIG_HOME', 'BUN_INSPECT', 'BUN_OPTIONS') {
    if (Test-Path "Env:$name") {
      $kept[$name] = (Get-Item "Env:$name").Value
      Remove-Item "Env:$name"
    }
  }
  try {
    & $Path version | Out-Null
  } catch {
    throw "$Path cannot be started: $($_.Exception.Message) If programs may not run in its folder, choose another one with -Folder"
  } finally {
    foreach ($name in $kept.Keys) { Set-Item "Env:$name" $kept[$name] }
  }
  if ($LASTEXITCODE -eq 2) { throw 'The program does not start here: its own message above says why' }
  if ($LASTEXITCODE -ne 0) {
    throw 'The program does not start: it needs Windows 10 1809 or newer on x64, and a processor with SSE4.2'
  }
}

function Install-Files([string] $From, [string] $Folder) {
  New-Item -ItemType Directory -Force $Folder | Out-Null
  $staged = "$Folder\hydra.new.exe"
  try {
    Move-Item -LiteralPath "$From\hydra.exe" $staged -Force
    Test-Program $staged
    Copy-Item "$From\*" $Folder -Recurse -Force
    try {
      Move-Item -LiteralPath $staged "$Folder\hydra.exe" -Force
    } catch {
      throw "Cannot replace $Folder\hydra.exe: $($_.Exception.Message) If hydra is running, end it, then run this script again"
    }
  } finally {
    Remove-Item -LiteralPath $staged -Force -ErrorAction SilentlyContinue
  }
}

# Adds the folder to the user's PATH in the registry. Other entries may name variables, such as %USERPROFILE%\bin, and must keep
# doing so: they are read without expanding them, and written with the type that has them expanded.
function Add-ToPath([string] $Folder) {
  $key = 'HKCU:\Environment'
  $path = (Get-Item $key).GetValue('Path', '', 'DoNotExpandEnvironmentNames')
  $parts = @($path -split ';' | Where-Object { $_ })
  if (@($parts | ForEach-Object { [Environment]::ExpandEnvironmentVariables($_) }) -contains $Folder) { return }
  Set-ItemProperty $key -Name Path -Value (($parts + $Folder) -join ';') -Type ExpandString
  # The registry alone doesn't reach new terminals: any change of a user variable announces the new environment to them.
  $dummy = "HydraInstall$PID"
  [Environment]::SetEnvironmentVariable($dummy, '1', 'User')
  [Environment]::SetEnvironmentVariable($dummy, [NullString]::Value, 'User')
  Write-Output 'Open a new terminal, so that it finds hydra on the PATH'
}

function Install-Hydra {
  # In here, so that the terminal that runs the script keeps its own.
  $ErrorActionPreference = 'Stop'
  $ProgressPreference = 'SilentlyContinue'
  $name = 'hydra-windows-x64'
  $target = Get-Folder $Folder
  $base = Get-Base
  $scratch = Join-Path ([IO.Path]::GetTempPath()) ([Guid]::NewGuid())
  New-Item -ItemType Directory $scratch | Out-Null
  try {
    # Windows PowerShell does not offer TLS 1.2 by itself.
    [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
    foreach ($file in 'SHA256SUMS', "$name.zip") {
      Save-File "$base/$file" "$scratch\$file"
    }
    Test-Sum $scratch "$name.zip"
    Test-Attestation "$scratch\$name.zip"
    Expand-Archive -LiteralPath "$scratch\$name.zip" -DestinationPath $scratch
    Install-Files "$scratch\$name" $target
  } finally {
    # A scanner may still hold a file: that must not hide the result.
    Remove-Item -LiteralPath $scratch -Recurse -Force -ErrorAction SilentlyContinue
  }
  Write-Output "Installed hydra to $target\hydra.exe"
  Add-ToPath $target
}

Install-Hydra
