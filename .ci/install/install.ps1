# Installs hydra for the current user of Windows, and adds it to the user's PATH:
#
#   .\install.ps1 [-Folder FOLDER]
#
# The default folder is %LOCALAPPDATA%\Programs\hydra. The archive must have the checksum of the release's SHA256SUMS. If GitHub's
# CLI is installed and logged in, it must also have an attestation.
#
# HYDRA_INSTALL_BASE replaces the URL of the folder that has the archives and SHA256SUMS, for a mirror.
param([string] $Folder = "$env:LOCALAPPDATA\Programs\hydra")

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

function Test-Sum([string] $Scratch, [string] $Name) {
  $line = Get-Content "$Scratch\SHA256SUMS" | Where-Object { $_.EndsWith("  $Name") }
  if (-not $line) { throw "SHA256SUMS does not list $Name" }
  $wanted = $line.Split(' ')[0]
  $found = (Get-FileHash "$Scratch\$Name" -Algorithm SHA256).Hash
  if ($found -ne $wanted) { throw "$Name has the checksum $found instead of $wanted; nothing was installed" }
}

function Test-Attestation([string] $Path) {
  if (-not $Repository -or -not (Get-Command gh -ErrorAction SilentlyContinue)) { return }
  # What gh writes to its error stream must not end the script: only its exit code counts.
  $ErrorActionPreference = 'Continue'
  gh auth status *> $null
  if ($LASTEXITCODE -ne 0) {
    Write-Warning 'The attestation is not checked, because gh is not logged in'
    return
  }
  gh attestation verify $Path --repo $Repository.Replace('https://github.com/', '') *> $null
  if ($LASTEXITCODE -ne 0) { throw "$Path has no valid attestation; nothing was installed" }
}

function Add-ToPath([string] $Folder) {
  $path = [Environment]::GetEnvironmentVariable('Path', 'User')
  if (($path -split ';') -contains $Folder) { return }
  $parts = @($path -split ';' | Where-Object { $_ }) + $Folder
  [Environment]::SetEnvironmentVariable('Path', ($parts -join ';'), 'User')
  Write-Output 'Open a new terminal, so that it finds hydra on the PATH'
}

function Install-Hydra {
  # In here, so that the terminal that runs the script keeps its own.
  $ErrorActionPreference = 'Stop'
  $ProgressPreference = 'SilentlyContinue'
  $name = 'hydra-windows-x64'
  $base = Get-Base
  $scratch = Join-Path ([IO.Path]::GetTempPath()) ([Guid]::NewGuid())
  New-Item -ItemType Directory $scratch | Out-Null
  try {
    # Windows PowerShell does not offer TLS 1.2 by itself.
    [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
    foreach ($file in 'SHA256SUMS', "$name.zip") {
      Invoke-WebRequest "$base/$file" -OutFile "$scratch\$file" -UseBasicParsing
    }
    Test-Sum $scratch "$name.zip"
    Test-Attestation "$scratch\$name.zip"
    Expand-Archive "$scratch\$name.zip" -DestinationPath $scratch
    & "$scratch\$name\hydra.exe" version | Out-Null
    if ($LASTEXITCODE -ne 0) { throw 'The program does not start on this system' }
    New-Item -ItemType Directory -Force $Folder | Out-Null
    Copy-Item "$scratch\$name\*" $Folder -Recurse -Force
  } finally {
    Remove-Item $scratch -Recurse -Force
  }
  Write-Output "Installed hydra to $Folder\hydra.exe"
  Add-ToPath $Folder
}

Install-Hydra
